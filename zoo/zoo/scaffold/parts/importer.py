"""An importer: the names of an old system's weights, and where they go. D text width, C condition width."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor

from zoo_registry import ZooError
from zoo_registry.contracts import Converted, Importer, TextSpec

NAMES = {"project.weight": "fc.weight", "project.bias": "fc.bias"}
"""Old names to those of the zoo's conditioning `projection`."""


class OldNames(Importer):
    """Files of a system that compresses the sentence by one linear layer called `project`.

    Sizes are read off the tensors: `dims` is not read. Raises `ZooError` for what is missing or extra.
    """

    parts: ClassVar[tuple[str, ...]] = ("conditioning",)
    recipe: ClassVar[str] = "$recipe"

    def convert(self, part: str, state: Mapping[str, Tensor], **dims: Any) -> Mapping[str, Converted]:
        """`{kind: converted}`; a file that holds several parts gives several."""
        if wrong := sorted(state.keys() ^ NAMES.keys()):
            raise ZooError(
                f"not the weights of this system's conditioning; missing or extra: {', '.join(wrong)}"
            )
        width, text_width = state["project.weight"].shape  # [C,D]
        ours = {NAMES[name]: tensor for name, tensor in state.items()}
        return {part: Converted("projection", {"width": width}, ours, text=TextSpec(text_width))}
