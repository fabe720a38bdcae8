"""Writes a plugin: a distribution with one part, a recipe that uses it, and their test. Imports no torch.

Its files stand beside this one. `parts` holds the parts, one a kind, `components` the records that list
them, `recipes` what trains them, `distribution` all else; `$name` and the like are replaced.
"""

from __future__ import annotations

import keyword
from importlib.machinery import NamespaceLoader
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from string import Template

from packaging.utils import InvalidName, canonicalize_name

from zoo_registry import KINDS, Catalogue, ZooError
from zoo_registry.errors import nearest

from ..files import folder_written_beside

_HERE = Path(__file__).parent
_PREFIX = "zoo-"  # of a distribution's name; its part goes without
_PLAIN = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    ".gitignore": "gitignore",
    ".github/workflows/test.yml": "test.yml",
}
"""Files that every plugin has, and their templates."""


def new_plugin(name: str, kind: str, out: Path | None, catalogue: Catalogue) -> Path:
    """Write a plugin with a part of a kind into a new folder, which is returned.

    name: of the distribution. The package has it with underscores, the part without "zoo-" in front.
    out: the folder; None: the distribution's name. Raises `ZooError` for a name that cannot be one or that is
    taken, for an unknown kind, and for a folder that is there. Nothing is left half-written.
    """
    if kind not in KINDS:
        raise ZooError(f"--kind {kind}: no such kind of part{nearest(kind, KINDS)}")
    distribution = _checked(name)
    package, part = distribution.replace("-", "_"), distribution.removeprefix(_PREFIX)
    recipe = f"{part}-aviary"
    _check_free(catalogue, kind, part, recipe)
    out = Path(distribution) if out is None else out
    if out.exists() or out.is_symlink():
        raise ZooError(f"{out} exists; expected a new folder, as --out {out}-2")
    values = {
        "name": distribution,
        "package": package,
        "part": part,
        "recipe": recipe,
        "kind": kind,
        "kind_words": kind.replace("_", " "),
        "zoo": version("t2i-zoo"),
        "data": part if kind == "dataset" else "aviary",
        "changes": "--set train.steps=20",
    }
    # a text or an image encoder is what the matching stage trains; the other recipes run that stage first
    if kind not in ("text_encoder", "image_encoder"):
        values["changes"] += " --set pretrain.train.steps=20"
    values["component"] = _filled(_HERE / "components" / f"{kind}.template", values)
    try:
        with folder_written_beside(out) as folder:
            for file, source in _files(kind, package, recipe).items():
                path = folder / file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(_filled(source, values), encoding="utf-8")
    except OSError as error:
        raise ZooError(f"{out} cannot be written: {error.strerror}") from None
    return out


def _files(kind: str, package: str, recipe: str) -> dict[str, Path]:
    """Of each file of the plugin its template."""
    source = f"src/{package}"
    plain = {
        **_PLAIN,
        f"{source}/__init__.py": "init.py",
        f"tests/test_{kind}.py": "test_part.py",
    }
    more = {"importer": "test_convert.py", "task": "test_train.py"}
    if kind in more:
        plain[f"tests/{more[kind]}"] = more[kind]
    return {
        **{file: _HERE / "distribution" / f"{name}.template" for file, name in plain.items()},
        f"{source}/{kind}.py": _HERE / "parts" / f"{kind}.py",
        f"{source}/recipes/{recipe}.toml": _HERE / "recipes" / f"{kind}.toml",
    }


def _filled(source: Path, values: dict[str, str]) -> str:
    return Template(source.read_text(encoding="utf-8")).substitute(values)


def _checked(name: str) -> str:
    """The distribution's name in its normal form, lower case with hyphens, if it can be one and is free."""
    try:
        distribution = canonicalize_name(name, validate=True)
    except InvalidName:
        raise ZooError(
            f"{name!r} is no name of a distribution: expected letters, digits, '-', '_' and '.', a letter "
            "or a digit first and last, as zoo-mosaic"
        ) from None
    package = distribution.replace("-", "_")
    if not package.isidentifier() or keyword.iskeyword(package):
        raise ZooError(
            f"{name!r}: its package would be called {package!r}, which Python cannot import; "
            f"{_PREFIX}{distribution} would do"
        )
    try:
        installed = version(distribution)
    except PackageNotFoundError:
        pass
    else:
        raise ZooError(f"{distribution} {installed} is installed already; expected another name")
    found = find_spec(package)
    # a folder without code, such as one of that name here, hides nothing
    if found is not None and not isinstance(found.loader, NamespaceLoader):
        other = "" if distribution.startswith(_PREFIX) else f", as {_PREFIX}{distribution}"
        raise ZooError(
            f"{name!r}: its package {package!r} would hide one that can be imported already "
            f"({found.origin}); expected another name{other}"
        )
    return distribution


def _check_free(catalogue: Catalogue, kind: str, part: str, recipe: str) -> None:
    """Raise `ZooError` where an installed plugin has the part or the recipe."""
    for plugin in catalogue.plugins:
        taken = [
            f"the {c.kind.replace('_', ' ')}" for c in plugin.components if (c.kind, c.name) == (kind, part)
        ]
        taken += [f"the recipe {recipe!r}" for path in plugin.recipes if path.stem == recipe]
        if taken:
            raise ZooError(
                f"the plugin's part would be called {part!r}, but {plugin} has {' and '.join(taken)} "
                "already; expected another name"
            )
