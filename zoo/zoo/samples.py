"""The fixed sample grid of a run: the same captions and the same noise through all of training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from zoo_registry import Recipe

from .assemble import Parts
from .files import write_json
from .pipeline import Pipeline, to_pillow
from .report.figures import attention_figure, image_grid, stacked

CAPTIONS, IMAGES, SEED = 8, 4, 0
ATTENTION = 3  # captions in the attention figure


class SampleGrid:
    """One row a caption, one column a noise."""

    def __init__(self, folder: Path, recipe: Recipe, parts: Parts, captions: Sequence[str]) -> None:
        self.folder, self.recipe = folder, recipe
        known = [caption for caption in captions if parts.text_encoder.split(caption)]
        self.captions = [known[i * len(known) // CAPTIONS] for i in range(min(CAPTIONS, len(known)))]
        side = int(parts.generator.spec.sides[-1])
        folder.mkdir(parents=True, exist_ok=True)
        write_json(
            folder / "grid.json", {"captions": self.captions, "images": IMAGES, "seed": SEED, "side": side}
        )

    def draw(self, parts: Parts, step: int) -> None:
        """Write `step_N.png` and the attention figure of the newest step."""
        training = {kind: module.training for kind, module in parts.modules.items()}
        drawn = Pipeline(self.recipe, parts).draw(self.captions, SEED, IMAGES)
        for kind, module in parts.modules.items():
            module.train(training[kind])
        image_grid(to_pillow(drawn.images[-1]), IMAGES).save(self.folder / f"step_{step:08d}.png")
        if drawn.attention:
            shown = enumerate(self.captions[:ATTENTION])
            figures = [attention_figure(drawn, place * IMAGES, caption) for place, caption in shown]
            stacked(figures).save(self.folder / "attention.png")
