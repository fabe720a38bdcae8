"""A figure of which package imports which, from the import statements of the code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from html import escape
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_ROOTS = {"zoo": _ROOT / "zoo", "zoo_registry": _ROOT / "registry", "zoo_plugins": _ROOT / "plugins"}
_ENGINE = "zoo: modules"  # those of zoo/zoo/*.py
_PARTS = "zoo_plugins: modules"

_WIDTH, _HEIGHT, _GAP = 200, 30, 14
_COLUMNS = (150, 480, 760)  # where each begins


def arrows() -> set[tuple[str, str]]:
    """Every pair (importer, imported) of groups: a root's subpackages, and its own modules together."""
    found = set()
    for root, folder in _ROOTS.items():
        for file in sorted((folder / root).rglob("*.py")):
            if "scaffold/parts" in file.as_posix() or file.name == "sample_onnx.py":
                continue  # written out for others, never imported
            name = ".".join(file.relative_to(folder).with_suffix("").parts).removesuffix(".__init__")
            package = name if file.name == "__init__.py" else name.rpartition(".")[0]
            for target in _imported(ast.parse(file.read_text(encoding="utf-8")), package):
                if target.partition(".")[0] in _ROOTS:
                    found.add((_group(name), _group(target)))
    return {(a, b) for a, b in found if a != b}


def _imported(tree: ast.AST, package: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _group(module: str) -> str:
    """The box of a module: its subpackage, or its root's own modules."""
    root, *inner = module.split(".")
    if root == "zoo_registry":
        return root
    if inner and (_ROOTS[root] / root / inner[0]).is_dir():
        return f"{root}.{inner[0]}"
    return _ENGINE if root == "zoo" else _PARTS


def figure() -> str:
    """The figure as SVG: the engine on the left, the registry in the middle, the parts on the right."""
    found = arrows()
    names = {name for pair in found for name in pair}
    left = ["zoo.cli", *sorted(n for n in names if n.startswith("zoo.") and n != "zoo.cli"), _ENGINE]
    right = [*sorted(n for n in names if n.startswith("zoo_plugins.")), _PARTS]
    columns = [[n for n in left if n in names], ["zoo_registry"], [n for n in right if n in names]]
    rows = max(map(len, columns))
    height = rows * (_HEIGHT + _GAP) + _GAP + 30
    places = {}
    for column, x in zip(columns, _COLUMNS, strict=True):
        top = 30 + (height - 30 - len(column) * (_HEIGHT + _GAP)) / 2
        places |= {name: (x, top + i * (_HEIGHT + _GAP)) for i, name in enumerate(column)}
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1120 {height:.0f}" font-family="sans-serif" '
        'font-size="14">',
        f"<title>{escape('Imports: zoo -> zoo_registry <- zoo_plugins')}</title>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        '<defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto-start-reverse"><path d="M0 0 8 4 0 8z" fill="#00796b"/></marker></defs>',
    ]
    lines += [_arrow(places[a], places[b]) for a, b in sorted(found)]
    lines += [_box(name, *place) for name, place in places.items()]
    titles = zip(_COLUMNS, ("the engine", "the registry", "the parts"), strict=True)
    lines += [
        f'<text x="{x + _WIDTH / 2:.0f}" y="20" text-anchor="middle" fill="#555">{t}</text>'
        for x, t in titles
    ]
    return "\n".join([*lines, "</svg>"]) + "\n"


def _box(name: str, x: float, y: float) -> str:
    return (
        f'<rect x="{x:.0f}" y="{y:.0f}" width="{_WIDTH}" height="{_HEIGHT}" rx="4" fill="#e0f2f1" '
        'stroke="#00796b"/>'
        f'<text x="{x + _WIDTH / 2:.0f}" y="{y + 20:.0f}" text-anchor="middle" fill="#111">'
        f"{escape(name)}</text>"
    )


def _arrow(start: tuple[float, float], end: tuple[float, float]) -> str:
    (x0, y0), (x1, y1) = start, end
    y0, y1 = y0 + _HEIGHT / 2, y1 + _HEIGHT / 2
    if x0 == x1:  # within a column: a curve on its outer side
        left = x0 == _COLUMNS[0]
        side = x0 if left else x0 + _WIDTH
        bend = (20 + abs(y1 - y0) / 3.2) * (-1 if left else 1)
        path = (
            f"M{side:.0f} {y0:.0f} C{side + bend:.0f} {y0:.0f} {side + bend:.0f} {y1:.0f} {side:.0f} {y1:.0f}"
        )
    else:
        begin, stop = (x0 + _WIDTH, x1) if x0 < x1 else (x0, x1 + _WIDTH)
        path = f"M{begin:.0f} {y0:.0f} L{stop:.0f} {y1:.0f}"
    return f'<path d="{path}" fill="none" stroke="#00796b" stroke-opacity=".55" marker-end="url(#head)"/>'
