"""The engine and the registry name no part, no recipe and no model that is shipped, nor settings of tasks."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import zoo
import zoo_registry
from zoo_registry import KINDS, catalogue
from zoo_registry.schema import schema_of
from zoo_registry.training import Training

FILES = [
    file
    for package in (zoo, zoo_registry)
    for file in sorted(Path(package.__file__).parent.rglob("*.py"))
    if "scaffold" not in file.parts
]
GIFTS = {"match", "redescription"}
"""What parts give each other may be called as a task or a part is."""
OWN = {
    name
    for task in catalogue().of("task")
    for name in schema_of(task).settings.model_fields
    if name not in Training.model_fields
}
NAMES = {
    *(part.name for kind in KINDS if kind != "task" for part in catalogue().of(kind)),
    *catalogue().recipe_names(),
    *catalogue().pretrained_names(),
}
WORDS = {"augmentation", "folder", "identity", "images", "own", "attributes", "projection", "progressive"}
"""Names that are words of the language as well."""
OTHERS = {"ada": "ada/birds is somebody's repository", "hf": "a command", "timm": "a library"}
"""Names of other things as well, and of which."""
SHARED = {"held_out", "validate_every"}
"""Settings whose names stand in `Plan`, too."""
COUNTED = {"check.py": {"captions_per_image"}}
"""What `zoo data check` counts and is called as a setting is, by file."""


def test_no_task_is_named() -> None:
    tasks = {task.name for task in catalogue().of("task")}
    assert tasks >= {"gan", "match", "invert"}
    classes = {task.target.partition(":")[2] for task in catalogue().of("task")}
    classes |= {"GanTraining", "MatchTraining", "InvertTraining"}
    quoted = re.compile("[Tt]asks? [`'\"](" + "|".join(tasks) + ")[`'\"]")
    for file in FILES:
        text = file.read_text(encoding="utf-8")
        words = {node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)}
        assert not words & (tasks - GIFTS), file
        assert not quoted.search(text), file
        assert not set(re.findall(r"[A-Z]\w+", text)) & classes, file


def test_no_setting_of_a_task_and_no_bug_of_a_paper_is_named() -> None:
    own = {name for name in OWN - SHARED if "_" in name}  # plain words mean other things, too
    assert {"ema_overwrites", "fade_real", "classes_as_units", "critic_steps"} <= own
    for file in FILES:
        words = set(re.findall(r"[\w-]+", file.read_text(encoding="utf-8")))
        named = words & (own | {"retry-once", "other-class"})
        assert not named - COUNTED.get(file.name, set()), file


def test_no_part_no_recipe_and_no_model_is_named() -> None:
    names = NAMES - WORDS - GIFTS - OTHERS.keys()
    assert {"fid", "attributes-2k", "aviary", "judge", "inception", "attngan-birds", "damsm"} <= names
    found = {}
    for file in FILES:
        lines = file.read_text(encoding="utf-8").splitlines()
        # an example in a command's help has to name something
        text = "\n".join(line for line in lines if not line.strip().startswith("Example: zoo "))
        if named := set(re.findall(r"[A-Za-z][\w-]*", text)) & names:
            found[file.name] = named
    assert not found
