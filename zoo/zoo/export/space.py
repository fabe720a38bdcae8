"""A folder that runs as a Hugging Face Space: a model at half its size, and the studio around it."""

from __future__ import annotations

import json
import re
from importlib.metadata import version
from pathlib import Path
from string import Template

from zoo_registry import ZooError

from ..environment import made_with
from ..files import folder_written_beside, write_text
from ..files.model import Model
from ..models.card import Facts
from ..models.folder import check_generates
from ..models.locate import locate
from .half import write_half

APP = """\
import os

os.chdir(os.path.dirname(os.path.abspath(__file__)))

from zoo.studio import serve

if __name__ == "__main__":
    serve(["$model"])
"""
# https://huggingface.co/docs/hub/spaces-config-reference
README = """\
---
title: $title
emoji: 🖼️
colorFrom: purple
colorTo: yellow
sdk: gradio
sdk_version: $gradio
python_version: "3.12"
app_file: app.py
license: $license
---

Generates images of a sentence, with a model made with t2i-zoo$learnt. Its card is `$model/README.md`.

    pip install -r requirements.txt
    python app.py
"""


def write_space(model: str, out: Path) -> Path:
    """Write the folder: app.py, requirements.txt, README.md with the Space's settings, the model.

    Upload it with `hf upload --repo-type space`. Raises `ZooError` where `write_half` does, and for a model
    that cannot generate.
    """
    if out.exists():
        raise ZooError(f"{out} exists; name a new folder")
    folder = locate(model)
    recipe = Model(folder).recipe()
    check_generates(recipe, model)
    facts = Facts.of(folder, "")
    name = re.sub(r"[^\w-]+", "-", recipe.name, flags=re.ASCII).strip("-") or "model"
    values = {
        "model": name,
        "title": json.dumps(recipe.name),  # YAML too: the name may hold anything
        "gradio": version("gradio"),
        "license": "mit" if facts.procedural else "unknown",
        "learnt": f" from {facts.data}" if facts.data else "",
    }
    # of the plugins at hand, not of those that a file from the Hub names: a Space installs what stands there
    needed = {"t2i-zoo": version("t2i-zoo"), **made_with(recipe)["plugins"]}
    with folder_written_beside(out) as beside:
        write_half(model, beside / name, name=name)
        write_text(beside / "app.py", Template(APP).substitute(values))
        write_text(beside / "README.md", Template(README).substitute(values))
        lines = [f"{'t2i-zoo[studio]' if n == 't2i-zoo' else n}=={number}" for n, number in needed.items()]
        write_text(beside / "requirements.txt", "\n".join(lines) + "\n")
    return out
