"""A public name cannot vanish unseen: recipes and saved models of others are made of them."""

from __future__ import annotations

import json
from dataclasses import asdict
from inspect import signature
from pathlib import Path

import zoo
import zoo_registry
from zoo_registry import KINDS, catalogue, hookspecs
from zoo_registry.schema import schema_of

SNAPSHOT = Path(__file__).parent / "public_names.json"


def names() -> dict[str, object]:
    found = catalogue()
    own = next(p for p in found.plugins if p.name == "zoo")
    parts = {
        f"{c.kind}/{c.name}": sorted(schema_of(c).settings.model_fields)
        for kind in KINDS
        for c in own.components
        if c.kind == kind and c.kind not in ("importer", "dataset", "protocol")
    }
    others = sorted(f"{c.kind}/{c.name}" for c in own.components if c.kind in ("importer", "dataset"))
    protocols = {c.name: asdict(c.load()) for c in own.components if c.kind == "protocol"}
    return {
        "zoo": sorted(zoo.__all__),
        "zoo_registry": sorted(zoo_registry.__all__),
        "hooks": {
            name: list(signature(hook).parameters)
            for name, hook in sorted(vars(hookspecs).items())
            if name.startswith("zoo_")
        },
        "parts": parts,
        "others": others,
        "protocols": json.loads(json.dumps(protocols)),  # a changed value needs a new version
        "recipes": sorted(path.stem for path in own.recipes),
        "pretrained": sorted(path.name for path in own.pretrained),
    }


def test_public_names_are_those_of_the_snapshot() -> None:
    """Meant to change? Write them anew: python tests/registry/test_public_names.py."""
    assert names() == json.loads(SNAPSHOT.read_text())


if __name__ == "__main__":
    SNAPSHOT.write_text(json.dumps(names(), indent=2) + "\n")
