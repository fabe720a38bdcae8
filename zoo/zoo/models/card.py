"""The model card: README.md of a model's folder, with the metadata that the Hub reads. Imports no torch.

Metadata: https://huggingface.co/docs/hub/model-cards, through huggingface_hub's ModelCardData and EvalResult.
"""

from __future__ import annotations

import json
import math
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from safetensors import safe_open

from zoo_registry import Recipe, catalogue
from zoo_registry.errors import printable
from zoo_registry.recipe import SINGLE

from ..files import write_text
from ..files.model import SAMPLE_GRID, Model
from ..files.results import Result, read_results
from ..files.run import Run
from .results import by_score, markdown, weights_key

_MARKUP = re.compile(r"[\\`*_\[\]<>&#|~!$@]")
_ARXIV = re.compile(r"arXiv:[\w.-]+(/\d+)?", re.ASCII)
_RECORDED = {"images": int, "hours": float, "device": str}
"""Facts that a pushed config.json records, besides the data, the stages and the captions."""


@dataclass
class Facts:
    """What a card tells of a model beyond its configuration: its data, its results, its sample grid."""

    data: str | None = None  # the data set's name, without a path
    procedural: bool = False  # by a procedure of the catalogue's, so that nobody else's rights are in it
    stages: dict[str, int] = field(default_factory=dict)  # the steps of each that was trained, in order
    hours: float | None = None  # of all stages, looking at them included
    device: str | None = None  # as torch calls it
    images: int | None = None
    captions: tuple[str, ...] = ()  # of the sample grid, a row each
    grid_file: Path | None = None
    results: list[Result] = field(default_factory=list)

    @classmethod
    def of(cls, folder: Path, weights: str) -> Facts:
        """What lies in a model's folder, and in the run that it is the model of.

        weights: `weights_key` of the model; results of others are left out, and all without one.
        """
        facts = cls()
        run = Run(folder.parent) if Run(folder.parent).exists() else Run(folder)
        if run.exists():
            data = run.environment().data
            facts.data, facts.procedural = data_name(data.source)
            facts.images, facts.device = data.images, data.device
            facts.add_stages(run)
        grids = list(run.samples().values())
        images = [path for path in (Model(folder).samples, *grids[-1:]) if path.is_file()]
        facts.grid_file = images[0] if images else None
        if facts.grid_file in grids and (grid := run.grid()) is not None:
            facts.captions = tuple(caption for caption in grid.captions if caption)
        for path in (run.results, Model(folder).results):
            if weights and path.is_file() and (found := read_results(path)).weights == weights:
                facts.results = found.results
        if facts.data is None:
            facts._take(folder)
        if facts.data is None and facts.results:
            facts.data, facts.procedural = data_name(facts.results[0].data.source)
        return facts

    def add_stages(self, run: Run) -> None:
        """Count the stages of a run that have begun."""
        for stage in run.stages():
            if lines := stage.log():
                name = stage.recipe()["name"]
                self.stages[name] = self.stages.get(name, 0) + lines[-1].step
                self.hours = (self.hours or 0.0) + lines[-1].seconds / 3600

    def recorded(self) -> dict[str, Any]:
        """What goes into a pushed config.json, for cards of the model where its run is not at hand."""
        facts = {key: getattr(self, key) for key in ("data", "procedural", "stages", *_RECORDED)}
        facts["hours"] = None if self.hours is None else round(self.hours, 2)
        return facts | {"captions": list(self.captions)}

    def _take(self, folder: Path) -> None:
        """Take what was recorded, which is anybody's data."""
        model = Model(folder)
        found = model.config().about if model.exists() else None
        if isinstance(found, dict) and isinstance(found.get("data"), str):
            self.data, self.procedural = found["data"], found.get("procedural") is True
            for key, kind in _RECORDED.items():
                setattr(self, key, found[key] if isinstance(found.get(key), kind) else None)
            stages = found.get("stages")
            if isinstance(stages, dict):
                self.stages = {name: n for name, n in stages.items() if isinstance(n, int)}
            captions = found.get("captions")
            self.captions = tuple(map(str, captions)) if isinstance(captions, list) else ()


def data_name(source: str) -> tuple[str, bool]:
    """A data set's name without the path of somebody's machine, and whether it is procedural."""
    name, _, argument = source.partition(":")
    known = {component.name: component for component in catalogue().of("dataset")}
    if name in known:
        reader = known[name].load()
        return reader.title(argument) or name, not reader.folder_layout
    return Path(argument or source).name.partition(":")[0] or name, False


def write_card(folder: Path, about: Path) -> None:
    """Write the card of a model that was just saved, which nobody has measured yet.

    about: the folder that it will be moved to, whose run tells the data.
    """
    write_text(Model(folder).card, card(folder, facts=Facts.of(about, ""), name=about.name))


def card(
    folder: Path, *, facts: Facts | None = None, name: str | None = None, license: str | None = None
) -> str:
    """The card of a model's folder: metadata in YAML, then Markdown.

    facts: None: those of the folder. name: the argument of `zoo.load`. license: as the Hub spells it;
    None: "mit" where the data are procedural, else "unknown".
    """
    from huggingface_hub import ModelCard, ModelCardData

    config, recipe = Model(folder).config(name), Model(folder).recipe(name)
    facts = facts or Facts.of(folder, weights_key(folder))
    license = license or ("mit" if facts.procedural else "unknown")
    generates = "generator" in recipe.parts
    task = recipe.task.load()
    results = _eval_results(facts)
    data = ModelCardData(
        language="en",
        license=license,
        library_name="t2i-zoo",
        pipeline_tag="text-to-image" if generates else None,
        tags=[
            *(["text-to-image"] if generates else []),
            *task.tags,
            *([recipe.parts["generator"].component.name] if generates else []),
        ],
        datasets=facts.data if re.fullmatch(r"[\w.-]+(/[\w.-]+)?", facts.data or "", re.ASCII) else None,
        model_name=recipe.name if results else None,
        eval_results=results or None,
    )
    half = _stored_in_half(Model(folder).part("generator"))
    page = _TEMPLATES.get_template("card.md").render(
        metadata=data.to_yaml(),
        recipe=recipe,
        facts=facts,
        name=name or str(folder),
        license=license,
        generates=generates,
        reads="text_encoder" in recipe.parts,
        about=task.about,
        arxiv=recipe.paper.removeprefix("arXiv:") if _ARXIV.fullmatch(recipe.paper) else None,
        grid=SAMPLE_GRID,
        caption=(facts.captions or ("a caption",))[0] if "text_encoder" in recipe.parts else "",
        results=_results(facts),
        guessed=_guessed(facts),
        device={"cpu": " on a CPU", "cuda": " on a GPU"}.get((facts.device or "").partition(":")[0], ""),
        versions=_versions(config.made_with),
        parts=_parts(folder, recipe),
        half=half,
    )
    return str(ModelCard(page))


def _escaped(text: str) -> str:
    """Anybody's text, as it reads: one line in which nothing is Markdown or HTML."""
    return _MARKUP.sub(r"\\\g<0>", printable(text))


def _quoted(value: Any, indent: int | None = None) -> str:
    """JSON, which Python reads too, for a block of code: no backtick in it ends the block."""
    return json.dumps(value, indent=indent, ensure_ascii=False).replace("`", "\\u0060")


def _eval_results(facts: Facts) -> list[Any]:
    from huggingface_hub import EvalResult

    results = []
    for result in facts.results:
        name, _ = data_name(result.data.source)
        for name_of_score, score in result.scores.items():
            results.append(
                EvalResult(
                    task_type="text-to-image",
                    task_name="text to image",
                    dataset_type=name,
                    dataset_name=name,
                    dataset_split=result.definition["split"],
                    dataset_revision=result.data.fingerprint,
                    metric_type=result.metric,
                    metric_name=f"{name_of_score}, {result.identity}",
                    metric_value=float(f"{score.value:.6g}"),
                )
            )
    return results


def _results(facts: Facts) -> str:
    head, rows = by_score(facts.results)
    return markdown(head, [[_escaped(cell) for cell in row] for row in rows])


def _guessed(facts: Facts) -> list[str]:
    """The scores that are no better than chance, as far as can be told."""
    return [
        name
        for result in facts.results
        for name, score in result.scores.items()
        if score.chance is not None and (score.interval or (score.value,))[0] <= score.chance
    ]


def _versions(made: Any) -> list[str]:
    versions = [f"t2i-zoo {made.get('zoo', '?')}", f"torch {made.get('torch', '?')}"]
    return versions + [
        f"{name} {number}" for name, number in made.get("plugins", {}).items() if name != "t2i-zoo"
    ]


def _parts(folder: Path, recipe: Recipe) -> str:
    rows = []
    for kind in SINGLE:
        file = Model(folder).part(kind)
        if kind in recipe.parts and file.is_file():
            component = recipe.parts[kind].component
            where = "training" if file.parent != folder else "sampling"
            rows.append(
                [kind.replace("_", " "), component.name, component.summary, f"{_count(file):,}", where]
            )
    return markdown(["part", "name", "what it is", "numbers", "needed for"], rows)


def _stored_in_half(file: Path) -> bool:
    """Whether a safetensors file's numbers have 16 bits, by its header alone."""
    if not file.is_file():
        return False
    with safe_open(file, framework="numpy") as tensors:
        return any(tensors.get_slice(name).get_dtype() == "F16" for name in tensors.keys())  # noqa: SIM118


def _count(file: Path) -> int:
    """How many numbers a safetensors file holds, by its header alone."""
    with safe_open(file, framework="numpy") as tensors:
        return sum(math.prod(tensors.get_slice(name).get_shape()) for name in tensors.keys())  # noqa: SIM118


def _shell(text: str) -> str:
    """An argument of a command in a block of code, which no backtick in it ends."""
    return shlex.quote(printable(text)).replace("`", "?")


_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters |= {"md": _escaped, "quoted": _quoted, "shell": _shell}
