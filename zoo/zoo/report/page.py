"""The run report: one HTML file that needs nothing else, neither network nor server."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from zoo_registry import ZooError

from ..files import write_text
from .embed import attention, sample_frames
from .figures import LEAST
from .log import Log, panels, read_log

_HERE = Path(__file__).parent
_HEADER = ("zoo", "name", "task", "paper", "pretrain")
_TASKS = {"gan": "Adversarial training", "match": "Matching of text and images"}


def write_report(run: Path) -> Path:
    """Write RUN/report.html from what the run has written so far; returns its path.

    Raises `ZooError` for a folder that is no run.
    """
    recipe = _recipe(run)
    environment = _read(run / "environment.json") or {}
    log = read_log(run / "log.jsonl")
    grid = _read(run / "samples" / "grid.json")
    frames = []
    if grid is not None:
        rows, columns, side = len(grid["captions"]), grid["images"], grid["side"]
        frames = sample_frames(run / "samples", rows=rows, columns=columns, side=side)

    stages = [(run, recipe, log)]
    if (run / "pretrain" / "recipe.json").is_file():
        stages.insert(
            0, (run / "pretrain", _recipe(run / "pretrain"), read_log(run / "pretrain" / "log.jsonl"))
        )
    charts = [panels(log, "encoder" if table["task"] == "match" else "generator") for _, table, log in stages]
    data = {"frames": frames, "grid": grid if frames else None, "stages": charts}
    script = (_HERE / "report.js").read_text(encoding="utf-8")
    page = {
        "title": escape(recipe["name"]),
        "style": (_HERE / "report.css").read_text(encoding="utf-8"),
        # Only this very script may run: a caption that got past the escaping would still be text.
        "script_hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
        "header": _header(recipe, log, environment),
        "samples": _samples(grid) if frames else _NO_SAMPLES.get(recipe["task"], ""),
        "attention": _attention(run / "samples" / "attention.png"),
        "curves": "".join(
            _curves(index, table, log, charts[index]) for index, (_, table, log) in enumerate(stages)
        ),
        "recipe": "".join(_recipe_tables(table, several=len(stages) > 1) for _, table, _ in reversed(stages)),
        "environment": _environment(environment),
        "data": json.dumps(data, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c"),
        "script": script,
    }
    template = (_HERE / "template.html").read_text(encoding="utf-8")
    report = run / "report.html"
    # One pass, so that what is filled in is never read as a place to fill.
    write_text(report, re.sub(r"\{\{(\w+)\}\}", lambda place: page[place[1]], template))
    return report


def _recipe(run: Path) -> dict[str, Any]:
    """The locked recipe of a run."""
    path = run / "recipe.json"
    if not path.is_file():
        holds = ", ".join(sorted(p.name for p in run.iterdir())[:8]) or "nothing" if run.is_dir() else ""
        found = f"it holds: {holds}" if run.is_dir() else "there is no such folder"
        raise ZooError(
            f"{run} is no run: a folder with recipe.json is wanted, as zoo train --out writes it; {found}"
        )
    recipe = _read(path)
    if not isinstance(recipe, dict) or not {"name", "task", "train"} <= recipe.keys():
        raise ZooError(f"{path} is no locked recipe: a table with name, task and train is wanted")
    return recipe


def _read(path: Path) -> Any:
    """The JSON data of a file, None where there is none."""
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ZooError(f"{path} cannot be read as JSON: {error}") from None


# --------------------------------------------------------------------------------------------------------------
# Sections. Whatever a person wrote (captions, names, paths, settings) passes through `escape` here, once.

_NO_SAMPLES = {"gan": '<section><h2>Samples</h2><p class="empty">None drawn yet.</p></section>'}


def _header(recipe: Mapping[str, Any], log: Log, environment: Mapping[str, Any]) -> str:
    total = _total_steps(recipe, environment)
    facts = [f"step <b>{log.step:,}</b> of {total:,}" if total else f"step <b>{log.step:,}</b>"]
    if log.images_per_second is not None and log.seconds is not None:
        facts += [
            f"<b>{log.images_per_second:,.3g}</b> images/s",
            f"trained for <b>{_duration(log.seconds)}</b>",
        ]
    if not log.step:
        facts = ["nothing logged yet"]
    share = min(1.0, log.step / total) if total else 0.0
    return (
        f'<p class="kind">{escape(_TASKS.get(recipe["task"], recipe["task"]))}{_paper(recipe)}</p>'
        f'<h1>{escape(recipe["name"])}</h1><p class="state">{" · ".join(facts)}</p>'
        f'<div class="progress"><i style="width:{share:.2%}"></i></div>'
    )


def _total_steps(recipe: Mapping[str, Any], environment: Mapping[str, Any]) -> int | None:
    """The steps of the whole training: as the recipe says, or its epochs over the pictures, without broken batches."""
    train = recipe["train"]
    pictures = environment.get("data", {}).get("pictures")
    if train["steps"] is not None or pictures is None:
        return train["steps"]  # type: ignore[no-any-return]
    return int(train["epochs"] * max(1, pictures // train["batch_size"]))


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
    shown = columns * max(side, LEAST)
    rows = "".join(
        f'<div class="row"><p>{escape(caption)}</p><canvas role="img" aria-label="{escape(caption)}"></canvas></div>'
        for caption in grid["captions"]
    )
    return (
        '<section id="samples"><h2>Samples</h2><div class="player"><button type="button" id="play">Play</button>'
        '<input type="range" id="step" min="0" step="1" aria-label="Training step"><output for="step"></output></div>'
        f'<div class="rows" style="--shown:{shown}px">{rows}</div>'
        f'<p class="note">Every caption with the same {columns} draws of noise throughout (seed {grid["seed"]}), '
        f"{side} × {side} pixels. The arrow keys go through the training.</p></section>"
    )


def _attention(path: Path) -> str:
    figure = attention(path)
    if figure is None:
        return ""
    return (
        '<section><h2>Attention</h2><div class="sheet"><img alt="The most attended words of each stage, '
        f'their maps over the image" src="{figure}"></div><p class="note">Each stage’s most attended words. The '
        "share is how much of the picture attends to the word; the maps of a row have one scale.</p></section>"
    )


def _curves(index: int, recipe: Mapping[str, Any], log: Log, charts: list[dict[str, Any]]) -> str:
    title = f"{_TASKS.get(recipe['task'], recipe['task'])} · {recipe['name']}"
    if not charts:
        body = '<p class="empty">Nothing logged yet.</p>'
    else:
        body = f'<div class="panels" data-stage="{index}"></div>'
        pace = max(chart["averaged"] for chart in charts)
        if pace > 1:
            body += f'<p class="note">Each point is the mean of {pace} lines of the log.</p>'
    return f"<section><h2>{escape(title)} <small>{log.step:,} steps</small></h2>{body}</section>"


def _recipe_tables(recipe: Mapping[str, Any], *, several: bool) -> str:
    heading = f"<h3>{escape(recipe['name'])}</h3>" if several else ""
    rows = []
    for key, value in recipe.items():
        if key in _HEADER:
            continue
        for entry in value if isinstance(value, list) else [value]:
            part = "loss" if key == "losses" else escape(key.replace("_", " "))
            rows.append(
                f'<tr><th scope="row">{part}</th><td>{escape(entry.get("use", ""))}</td><td>{_settings(entry)}</td></tr>'
            )
    return f'{heading}<table class="recipe"><tbody>{"".join(rows)}</tbody></table>'


def _settings(table: Mapping[str, Any]) -> str:
    return "".join(
        f'<span class="setting"><i>{escape(key.replace("_", " "))}</i> {escape(_value(value))}</span>'
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
            return ", ".join(_value(item) for item in value)
        case str():
            return value
        case _:
            return json.dumps(value, ensure_ascii=False)
