"""What the pages share: templates, which escape whatever a person wrote, and how values are written."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ..files import write_text
from . import results

_HERE = Path(__file__).parent
_TEMPLATES = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "allow_nan": False}


def write_page(path: Path, template: str, title: str, data: Mapping[str, Any], **context: Any) -> None:
    """Write a self-contained page. data: what the script draws. context: what the template shows.

    Raises `ZooError` where it cannot be written.
    """
    script = (_HERE / "report.js").read_text(encoding="utf-8")
    page = _TEMPLATES.get_template(template).render(
        title=title,
        style=(_HERE / "report.css").read_text(encoding="utf-8"),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
        data=data,
        **context,
    )
    write_text(path, page)


def number(value: float) -> str:
    """To three digits or to whole ones."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def duration(seconds: float) -> str:
    """In the unit that fits."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


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


_TEMPLATES.filters |= {
    "number": number,
    "duration": duration,
    "plain": text,
    "colour": results.colour,
    "share": "{:.2%}".format,
}
_TEMPLATES.globals |= results.IN_TEMPLATES
