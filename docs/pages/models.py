"""The page of the models that come with the zoo: what their cards say, with their images."""

from __future__ import annotations

import re
from pathlib import Path

from zoo_registry import catalogue

SECTIONS = ("Use", "Results", "Training", "Parts", "Limits")
HEAD = """# Trained models

They come with the zoo, in half precision, and generate without a network: `zoo list pretrained`. Their names
stand wherever a model is named.

```sh
zoo sample aviary "a small blue bird with a long orange beak" --images 4 --out birds.png
zoo studio
```

`python -m benchmarks.ship RUNS` trains and measures them, by the recipes in
`benchmarks/shipped`. What they show of their captions while they train (the share of stated attributes that
the judge finds, for unseen classes) and how far their images are from real ones:

![Attributes and KID over images seen](images/curves.svg)

It falls where the networks grow, at the dotted lines, until the new layers have learnt. A plugin ships models
of its own by the hook [`zoo_pretrained`](plugins.md)."""


def pages() -> dict[str, str | bytes]:
    """The page, and the images on it, by their paths."""
    found: dict[str, str | bytes] = {}
    text = HEAD
    for name in catalogue().pretrained_names():
        folder = catalogue().pretrained(name)
        assert folder is not None
        found[f"images/models/{name}.png"] = (folder / "samples.png").read_bytes()
        text += f"\n\n{_section(name, folder)}"
    return {"models.md": f"{text}\n", **found}


def _section(name: str, folder: Path) -> str:
    """A card without its metadata, the recipe in JSON, and what is alike in all cards."""
    text = (folder / "README.md").read_text(encoding="utf-8").split("\n---\n", 1)[1]
    text = re.sub(r"<details>.*?</details>", "", text, flags=re.DOTALL)
    text = text.replace("](samples.png)", f"](images/models/{name}.png)")
    head, *sections = re.split(r"\n## ", text)
    introduction = head.partition("\n\n")[2].strip()
    parts = [f"## `{name}`", introduction]
    for section in sections:
        title, _, body = section.partition("\n")
        if title in SECTIONS:
            parts.append(f"### {title}\n\n{body.strip()}")
    return "\n\n".join(parts)
