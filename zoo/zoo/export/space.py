"""A folder that runs as a Hugging Face Space: a model at half its size, and the studio around it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import distribution, version
from pathlib import Path
from string import Template
from typing import Any

from packaging.requirements import Requirement

from zoo_registry import ZooError

from ..environment import made_with
from ..files import folder_written_beside, write_text
from ..files.model import Model
from ..models.card import Facts
from ..models.folder import check_generates
from ..models.locate import locate
from .half import write_half

ZOO = "t2i-zoo"
APP = """\
import os
import sys

os.chdir(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.abspath("packages"))

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

    The zoo and plugins that were not installed from an index are in `packages/`. Upload the folder with `hf
    upload --repo-type space`. Raises `ZooError` where `write_half` does, for a model that cannot generate,
    and where pip cannot install into the folder.
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
    needed = list(dict.fromkeys([ZOO, *made_with(recipe)["plugins"]]))
    with folder_written_beside(out) as beside:
        write_half(model, beside / name, name=name)
        write_text(beside / "app.py", Template(APP).substitute(values))
        write_text(beside / "README.md", Template(README).substitute(values))
        lines = _requirements(needed, beside / "packages")
        write_text(beside / "requirements.txt", "\n".join(lines) + "\n")
    return out


def _requirements(names: Sequence[str], folder: Path) -> list[str]:
    """The lines of requirements.txt for some distributions.

    One that was installed from a clone or a file may be on no index: it is installed into `folder`, and what
    it requires takes its place. Not a wheel among the requirements: a Space installs those before it has any
    other file.
    """
    lines = []
    for name in names:
        extra = "studio" if name == ZOO else ""
        found = distribution(name)
        origin = found.read_text("direct_url.json")  # PEP 610: there is none of what came from an index
        if origin is None:
            lines.append(f"{name}[{extra}]=={found.version}" if extra else f"{name}=={found.version}")
            continue
        _install(name, json.loads(origin), folder)
        for requirement in map(Requirement, found.requires or ()):
            marker, requirement.marker = requirement.marker, None
            if requirement.name not in names and (marker is None or marker.evaluate({"extra": extra})):
                lines.append(str(requirement))
    return list(dict.fromkeys(lines))


def _install(name: str, origin: dict[str, Any], folder: Path) -> None:
    """Install a distribution from where this environment has it, without what it requires."""
    url, repository = origin["url"], origin.get("vcs_info")
    if repository is not None:
        url = f"{repository['vcs']}+{url}@{repository['commit_id']}"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile"]
    result = subprocess.run([*command, "--target", folder, url], capture_output=True, text=True, check=False)
    if result.returncode:
        why = (result.stderr.strip().splitlines() or ["pip says nothing"])[-1]
        raise ZooError(f"{name} cannot be installed into the Space from {url}: {why}")
