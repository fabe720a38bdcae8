"""What the pages share: their frame, and how numbers, settings and paths are written.

Whatever a person wrote (captions, names, paths, settings) passes through `escape` once, where it becomes
markup.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Any

from ..files import write_text

_HERE = Path(__file__).parent
_COLOURS = 8
"""Run colours in report.css; the ninth run has the first one's, and dashed curves."""


def write_page(path: Path, title: str, header: str, main: str, data: Mapping[str, Any]) -> None:
    """Write a self-contained page. header, main: markup. data: what the script draws.

    Raises `ZooError` where it cannot be written.
    """
    script = (_HERE / "report.js").read_text(encoding="utf-8")
    page = {
        "title": escape(title),
        "style": (_HERE / "report.css").read_text(encoding="utf-8"),
        # Only this very script may run: a caption that got past the escaping would still be text.
        "script_hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
        "header": header,
        "main": main,
        "data": json.dumps(data, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c"),
        "script": script,
    }
    template = (_HERE / "template.html").read_text(encoding="utf-8")
    # One pass, so that what is filled in is never read as a place to fill.
    whole = re.sub(r"\{\{(\w+)\}\}", lambda place: page[place[1]], template)
    write_text(path, whole)


def number(value: float) -> str:
    """To three digits or to whole ones."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def duration(seconds: float) -> str:
    """In the unit that fits."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def decimals(values: Iterable[float]) -> int:
    """Places after the point that numbers to be compared are written with: shares get three."""
    peak = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    if peak == 0:
        return 3
    return max(0, (2 if peak < 1 else 3) - math.floor(math.log10(peak)))


def colour(run: int) -> str:
    """A run's colour, as CSS."""
    return f"var(--c{run % _COLOURS})"


def swatch(run: int) -> str:
    """A patch of a run's colour."""
    return f'<i class="swatch" style="background:{colour(run)}"></i>'


def settings(table: Mapping[str, Any]) -> str:
    """A part's settings, or other names and values, in a line that breaks between them."""
    return "".join(
        f'<span class="setting"><i>{escape(key.replace("_", " "))}</i> {escape(text(value))}</span> '
        for key, value in table.items()
        if key != "use"
    )


def text(value: Any) -> str:
    """JSON data as a person would write it. Not escaped."""
    match value:
        case None | []:
            return "none"
        case dict():
            return ", ".join(f"{key}: {text(entry)}" for key, entry in value.items()) or "none"
        case bool():
            return "yes" if value else "no"
        case list():
            return ("; " if isinstance(value[0], dict) else ", ").join(map(text, value))
        case str():
            return value
        case _:
            return json.dumps(value, ensure_ascii=False)
