"""Writes what the code says into files of the repository, for whoever reads them there.

docs/parts.md from the catalogue, docs/images/arrows.svg from the imports, docs/images/walks.svg from the
calls, the parts of docs/plugins.md from zoo/zoo/scaffold. The site has more pages that are made of the code:
see docs/pages.

python docs/generate.py; with --print, docs/parts.md to standard output.
"""

from __future__ import annotations

import re
import sys
from itertools import groupby
from pathlib import Path
from string import Template

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "docs"), str(ROOT / "tests/matrix"), str(ROOT / "tests/shared")]

from matrix import ADVERSARIAL, AXES, own, split  # noqa: E402 - found through the line above
from pages import arrows, walks  # noqa: E402

from zoo_registry import KINDS  # noqa: E402

PAGE = ROOT / "docs/parts.md"
PLUGINS = ROOT / "docs/plugins.md"
ARROWS = ROOT / "docs/images/arrows.svg"
WALKS = ROOT / "docs/images/walks.svg"


def page() -> str:
    """The page's text."""
    legal, illegal = split()
    lines = [
        "# Parts",
        "",
        "Generated from the catalogue by `python docs/generate.py`; `zoo show KIND/NAME` explains settings.",
        "",
    ]
    for kind in KINDS:
        components = own(kind)
        if not components:
            continue
        lines += [
            f"## {kind.replace('_', ' ').capitalize()}",
            "",
            "| name | what it is | paper | gives | needs |",
            "|---|---|---|---|---|",
        ]
        for c in components:
            gives = ", ".join(
                f"{g} (with `{c.given_if[g]}`)" if g in c.given_if else g for g in sorted(c.gives)
            )
            lines.append(f"| `{c.name}` | {c.summary} | {c.paper} | {gives} | {', '.join(sorted(c.needs))} |")
        lines.append("")
    count = {kind: len(own(kind)) for kind in AXES}
    axes = " × ".join(f"{count[kind]} {kind.replace('_', ' ')}s" for kind in AXES)
    lines += [
        "## The matrix",
        "",
        f"{axes} × {len(ADVERSARIAL)} adversarial losses are {len(legal) + len(illegal):,} combinations: "
        f"{len(legal):,} legal and {len(illegal):,} illegal.",
        "",
        "Every legal one is built very small, trained a step, sampled, saved and loaded by `tests/matrix`;",
        "every illegal one is refused by `zoo check` with the parts that would fit. Those, by reason:",
        "",
        "| combinations | what is said |",
        "|---|---|",
    ]
    reasons = sorted(text.split("\n", 1)[1].strip() for text in illegal.values())
    lines += [
        f"| {len(list(group)):,} | {'; '.join(map(str.strip, reason.split(chr(10))))} |"
        for reason, group in groupby(reasons)
    ]
    return "\n".join(lines) + "\n"


def plugins() -> str:
    """docs/plugins.md with the parts as `zoo new-plugin mosaic` writes them, each below its file's name."""

    def filled(match: re.Match[str]) -> str:
        part = Template((ROOT / match[2]).read_text(encoding="utf-8"))
        return f"{match[1]}{part.substitute(part='mosaic', recipe='mosaic-aviary')}```"

    return re.sub(
        r"(<!-- (zoo/zoo/scaffold/parts/\w+\.py) -->\n```python\n).*?```",
        filled,
        PLUGINS.read_text(encoding="utf-8"),
        flags=re.DOTALL,
    )


if __name__ == "__main__":
    if "--print" in sys.argv:
        sys.stdout.write(page())
    else:
        PAGE.write_text(page(), encoding="utf-8")
        PLUGINS.write_text(plugins(), encoding="utf-8")
        ARROWS.write_text(arrows.figure(), encoding="utf-8")
        WALKS.write_text(walks.figure(), encoding="utf-8")
