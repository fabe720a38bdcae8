"""An extractor that learns nothing: mean colours of a grid, so that distances say where colours are.

F feature width: 3 * cells².
"""

from __future__ import annotations

import torch.nn.functional as F
from pydantic import PositiveInt
from torch import Tensor, nn

from zoo_registry.contracts import Extractor, Layer


class Colours(nn.Module, Extractor):
    """The mean colour of each cell of a grid over the image.

    cells: of the grid, along each side.
    """

    def __init__(self, *, cells: PositiveInt = 4) -> None:
        super().__init__()
        self.cells = cells
        self.id = f"$part-{cells}"  # of a network: setup.hash(network), by an `ExtractorSetup` as its wire

    def forward(self, images: Tensor, layer: Layer = "features") -> Tensor:
        """Images [B,3,R,R] in [-1, 1] to [B,F]."""
        return F.adaptive_avg_pool2d(images, self.cells).flatten(1)
