"""The fixed sample grid of a run: the same captions and the same noise through all of training."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from zoo_registry import Recipe

from ..assemble import Parts
from ..files import file_written_beside
from ..files.run import Grid, Run
from ..imaging.figures import attention_sheet
from ..imaging.grids import image_grid
from ..imaging.images import to_pillow
from ..pipeline import Pipeline

CAPTIONS, IMAGES, SEED = 8, 4, 0
ATTENTION = 3  # captions in the attention figure


class SampleGrid:
    """One row per caption, one column per noise."""

    def __init__(self, run: Run, recipe: Recipe, parts: Parts, captions: Sequence[str]) -> None:
        self.run, self.recipe = run, recipe
        known, self.images = [""], CAPTIONS  # without text: one row
        if "text_encoder" in parts:
            known = [caption for caption in captions if parts.text_encoder.split(caption)]
            self.images = IMAGES
        self.captions = [known[i * len(known) // CAPTIONS] for i in range(min(CAPTIONS, len(known)))]
        self.resolution = int(parts.generator.spec.resolutions[-1])

    def begin(self) -> None:
        """Write what the grids show."""
        self.run.write_grid(
            Grid(captions=self.captions, images=self.images, seed=SEED, resolution=self.resolution)
        )

    def generate(self, parts: Parts, step: int) -> Tensor:
        """Write the grid of a step and the attention figure of the newest; the grid's images [N,3,R,R].

        The resolution of the images is the file's text "resolution"; those of a growing network are enlarged.
        """
        samples = Pipeline(self.recipe, parts).generate(self.captions, SEED, self.images)
        size = (self.resolution, self.resolution)  # that of a growing network at its end
        images = [p.resize(size, Image.Resampling.NEAREST) for p in to_pillow(samples.images[-1])]
        facts = PngInfo()
        facts.add_text("resolution", str(samples.images[-1].shape[-1]))
        with file_written_beside(self.run.sample(step)) as beside:
            image_grid(images, self.images).save(beside, pnginfo=facts)
        if samples.attention:
            first = [place * self.images for place in range(min(ATTENTION, len(self.captions)))]
            with file_written_beside(self.run.attention) as beside:
                attention_sheet(samples, self.captions, first).save(beside)
        return samples.images[-1]
