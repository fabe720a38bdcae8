"""The run report: one HTML file that needs nothing else, neither network nor server."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from zoo_registry import ZooError

from ..files import write_text
from .embed import attention, sample_frames
from .figures import LEAST
from .log import Log, panels, read_log

_HERE = Path(__file__).parent
_TASKS = {
    "gan": "Adversarial training",
    "match": "Matching of text and images",
    "invert": "Noise read back from drawings",
}


@dataclass(frozen=True)
class _Stage:
    """One recipe of a run: the run itself, or what it trained first."""

    recipe: Mapping[str, Any]
    environment: Mapping[str, Any]
    log: Log
    panels: list[dict[str, Any]]

    @property
    def title(self) -> str:
        task = self.recipe["task"]
        return _TASKS.get(task, str(task))

    @property
    def steps(self) -> int | None:
        """Of the whole training; None before its data is known."""
        steps: int | None = self.environment.get("data", {}).get("steps")
        return steps


def write_report(run: Path) -> Path:
    """Write RUN/report.html from what the run has written so far; returns its path.

    Raises `ZooError` for a folder that is no run.
    """
    stages, folder = [_stage(run)], run / "pretrain"
    while (folder / "recipe.json").is_file():
        stages.insert(0, _stage(folder))
        folder = folder / "pretrain"
    recipe = stages[-1].recipe
    running = next((stage for stage in reversed(stages) if stage.log.step), stages[-1])
    grid = _read(run / "samples" / "grid.json")
    frames = []
    if grid is not None:
        rows, columns, side = len(grid["captions"]), grid["images"], grid["side"]
        frames = sample_frames(run / "samples", rows=rows, columns=columns, side=side)
    data = {
        "frames": frames,
        "grid": grid if frames else None,
        "stages": [stage.panels for stage in stages],
    }
    script = (_HERE / "report.js").read_text(encoding="utf-8")
    page = {
        "title": escape(recipe["name"]),
        "style": (_HERE / "report.css").read_text(encoding="utf-8"),
        # Only this very script may run: a caption that got past the escaping would still be text.
        "script_hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
        "header": _header(recipe, running),
        "samples": _samples(grid) if grid is not None and frames else _NO_SAMPLES.get(recipe["task"], ""),
        "attention": _attention(run / "samples" / "attention.png"),
        "curves": "".join(_curves(index, stage) for index, stage in enumerate(stages)),
        "recipe": "".join(_recipe(stage.recipe, titled=len(stages) > 1) for stage in reversed(stages)),
        "environment": _environment(stages[-1].environment),
        "data": json.dumps(data, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c"),
        "script": script,
    }
    template = (_HERE / "template.html").read_text(encoding="utf-8")
    report = run / "report.html"
    # One pass, so that what is filled in is never read as a place to fill.
    write_text(report, re.sub(r"\{\{(\w+)\}\}", lambda place: page[place[1]], template))
    return report


def _stage(run: Path) -> _Stage:
    path = run / "recipe.json"
    if not path.is_file():
        found = "there is no such folder"
        if run.is_dir():
            found = f"it holds: {', '.join(sorted(p.name for p in run.iterdir())[:8]) or 'nothing'}"
        raise ZooError(
            f"{run} is no run: a folder with recipe.json is wanted, as zoo train writes it; {found}"
        )
    recipe = _read(path)
    if not isinstance(recipe, dict) or not {"name", "task", "train"} <= recipe.keys():
        raise ZooError(f"{path} is no locked recipe: a table with name, task and train is wanted")
    log = read_log(run / "log.jsonl")
    learner = "encoder" if recipe["task"] == "match" else "generator"
    return _Stage(recipe, _read(run / "environment.json") or {}, log, panels(log, learner))


def _read(path: Path) -> Any:
    """The JSON data of a file, None where there is none."""
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ZooError(f"{path} cannot be read as JSON: {error}") from None


# ----------------------------------------------------------------------------------------------------------
# Sections. Whatever a person wrote (captions, names, paths, settings) passes through `escape` here, once.

_NO_SAMPLES = {"gan": '<section><h2>Samples</h2><p class="empty">None drawn yet.</p></section>'}


def _header(recipe: Mapping[str, Any], running: _Stage) -> str:
    """The run's name, and how far the stage has come that is under way."""
    log, total = running.log, running.steps
    facts = [f"step <b>{log.step:,}</b> of {total:,}" if total else f"step <b>{log.step:,}</b>"]
    if running.recipe is not recipe:
        facts.insert(0, f"first stage, {escape(running.recipe['name'])}")
    if log.images_per_second is not None and log.seconds is not None:
        facts += [f"<b>{_number(log.images_per_second)}</b> images/s", f"<b>{_duration(log.seconds)}</b>"]
    share = min(1.0, log.step / total) if total else 0.0
    return (
        f'<p class="kind">{escape(running.title)}{_paper(recipe)}</p><h1>{escape(recipe["name"])}</h1>'
        f'<p class="state">{" · ".join(facts) if log.step else "nothing logged yet"}</p>'
        f'<div class="progress"><i style="width:{share:.2%}"></i></div>'
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def _paper(recipe: Mapping[str, Any]) -> str:
    paper = recipe.get("paper", "")
    number = re.fullmatch(r"arXiv:(\d{4}\.\d{4,5})", paper)
    if number:
        return f' · <a href="https://arxiv.org/abs/{number[1]}">{paper}</a>'
    return f" · {escape(paper)}" if paper else ""


def _samples(grid: Mapping[str, Any]) -> str:
    columns, side = grid["images"], grid["side"]
    gap = max(1, round(side / 64))
    width = columns * (side + gap) - gap
    size = f'width="{width}" height="{side}"'
    rows = "".join(
        f'<div class="row"><p>{caption}</p><canvas {size} role="img" aria-label="{caption}"></canvas></div>'
        for caption in map(escape, grid["captions"])
    )
    return f"""<section id="samples"><h2>Samples</h2>
<div class="player"><button type="button" id="play">Play</button>
<input type="range" id="step" min="0" step="1" aria-label="Training step"><output for="step"></output></div>
<div class="rows" style="--shown:{width * math.ceil(LEAST / side)}px">{rows}</div>
<p class="note">Each caption with the same {columns} draws of noise throughout (seed {grid["seed"]}),
{side} × {side} pixels. The arrow keys go through the training.</p></section>"""


def _attention(path: Path) -> str:
    figure = attention(path)
    if figure is None:
        return ""
    alt = "The most attended words of each stage, their maps over the image"
    return f"""<section><h2>Attention</h2>
<div class="sheet"><img alt="{alt}" src="{figure}"></div>
<p class="note">Each stage’s most attended words, with the share of the picture that attends to them.
The maps of a row have one scale.</p></section>"""


def _curves(index: int, stage: _Stage) -> str:
    if stage.panels:
        body = f'<div class="panels" data-stage="{index}"></div>'
        pace = max(panel["averaged"] for panel in stage.panels)
        mean = f" Each point is the mean of {pace} lines of the log." if pace > 1 else ""
        body += (
            f'<p class="note">Drag to zoom, double-click for all; click a name to hide its curve.{mean}</p>'
        )
    else:
        body = '<p class="empty">Nothing logged yet.</p>'
    name = escape(stage.recipe["name"])
    return f"<section><h2>{escape(stage.title)} <small>{name}</small></h2>{body}</section>"


def _recipe(recipe: Mapping[str, Any], *, titled: bool) -> str:
    """A recipe as a table: a row a part, a row a loss, and the training's settings."""
    heading = f"<h3>{escape(recipe['name'])}</h3>" if titled else ""
    parts = [(kind, table) for kind, table in recipe.items() if isinstance(table, dict) and kind != "train"]
    lists = [("loss", loss) for loss in recipe.get("losses", [])]
    lists += [("augmentation", augmentation) for augmentation in recipe.get("augmentations", [])]
    rows = "".join(
        f'<tr><th scope="row">{escape(kind.replace("_", " "))}</th><td>{escape(table.get("use", ""))}</td>'
        f"<td>{_settings(table)}</td></tr>"
        for kind, table in [*parts, *lists, ("train", recipe["train"])]
    )
    return f'{heading}<table class="recipe"><tbody>{rows}</tbody></table>'


def _settings(table: Mapping[str, Any]) -> str:
    return "".join(
        f'<span class="setting"><i>{escape(key.replace("_", " "))}</i> {escape(_value(value))}</span> '
        for key, value in table.items()
        if key != "use"
    )


def _environment(environment: Mapping[str, Any]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(key.replace("_", " "))}</th>'
        f"<td>{_settings(value) if isinstance(value, dict) else escape(_value(value))}</td></tr>"
        for key, value in environment.items()
    )
    return f"<table><tbody>{rows}</tbody></table>" if rows else '<p class="empty">Not written yet.</p>'


def _value(value: Any) -> str:
    match value:
        case None | []:
            return "none"
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(map(_value, value))
        case str():
            return value
        case _:
            return json.dumps(value, ensure_ascii=False)
