"""The fixed sample grid of a run: the same captions and the same noise through all of training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from zoo_registry import Recipe

from .assemble import Parts
from .files import file_written_beside, write_json
from .pipeline import Pipeline, to_pillow
from .report.figures import attention_figure, image_grid, stacked

CAPTIONS, IMAGES, SEED = 8, 4, 0
ATTENTION = 3  # captions in the attention figure


class SampleGrid:
    """One row a caption, one column a noise."""

    def __init__(self, folder: Path, recipe: Recipe, parts: Parts, captions: Sequence[str]) -> None:
        self.folder, self.recipe = folder, recipe
        known, self.images = [""], CAPTIONS  # without text: one row
        if "text_encoder" in parts:
            known = [caption for caption in captions if parts.text_encoder.split(caption)]
            self.images = IMAGES
        self.captions = [known[i * len(known) // CAPTIONS] for i in range(min(CAPTIONS, len(known)))]
        self.side = int(parts.generator.spec.sides[-1])
        folder.mkdir(parents=True, exist_ok=True)
        grid = {"captions": self.captions, "images": self.images, "seed": SEED, "side": self.side}
        write_json(folder / "grid.json", grid)

    def draw(self, parts: Parts, step: int) -> None:
        """Write `step_N.png` and the attention figure of the newest step.

        The side that was drawn stands in the file as its text "side"; a growing network's are shown enlarged.
        """
        training = {kind: module.training for kind, module in parts.modules.items()}
        drawn = Pipeline(self.recipe, parts).draw(self.captions, SEED, self.images)
        for kind, module in parts.modules.items():
            module.train(training[kind])
        size = (self.side, self.side)  # that of a growing network at its end
        pictures = [p.resize(size, Image.Resampling.NEAREST) for p in to_pillow(drawn.images[-1])]
        facts = PngInfo()
        facts.add_text("side", str(drawn.images[-1].shape[-1]))
        with file_written_beside(self.folder / f"step_{step:08d}.png") as beside:
            image_grid(pictures, self.images).save(beside, pnginfo=facts)
        if drawn.attention:
            shown = enumerate(self.captions[:ATTENTION])
            figures = [attention_figure(drawn, place * self.images, caption) for place, caption in shown]
            with file_written_beside(self.folder / "attention.png") as beside:
                stacked(figures).save(beside)
