"""From what the user writes after --data to a data set: `NAME:ARGUMENT`, a name, or a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from zoo_registry.component import Component, Kind
from zoo_registry.contracts import Dataset, DataSource
from zoo_registry.errors import ZooError, nearest
from zoo_registry.text import expanded


class Catalogue(Protocol):
    """What is asked of the catalogue of parts."""

    def get(self, kind: Kind, name: str) -> Component:
        """The part of this name. Raises ZooError with the nearest name."""
        ...

    def of(self, kind: Kind) -> tuple[Component, ...]:
        """All parts of a kind."""
        ...


def open_dataset(src: str, catalogue: Catalogue, *, resolution: int | None = None, seed: int = 0) -> Dataset:
    """The data set that `src` says.

    "NAME:ARGUMENT" is a reader with its folder or a procedural data set with its count, "NAME" such a set of
    its own size, anything else a folder, whose layout is recognised. Raises ZooError where there is no such
    reader or folder, where a name is both a set's and a folder's, or where not one reader knows the layout.
    """
    name, colon, argument = src.partition(":")
    known = {component.name: component for component in catalogue.of("dataset")}
    if src in known and Path(src).is_dir():
        raise ZooError(
            f"{src!r} is a data set of the zoo and a folder here; say which: {src}: (with the colon, or "
            f"{src}:IMAGES) or ./{src}"
        )
    if name in known:
        reader = known[name].load()
        if reader.folder_layout and reader.metavar == "DIR":
            _check_folder(argument, f"{name} reads a folder, written {name}:DIR")
        return _built(reader, argument, resolution, seed)
    folder = expanded(src)
    if folder.is_dir():
        return _built(_reader_for(folder, known), src, resolution, seed)
    if colon and not {"/", "\\"} & set(name):
        catalogue.get("dataset", name)  # raises, with the nearest name
    raise ZooError(f"there is neither a folder nor a data set {src!r}{nearest(src, known)}")


def _built(reader: Any, argument: str, resolution: int | None, seed: int) -> Dataset:
    dataset: Dataset = reader(DataSource(argument, resolution=resolution, seed=seed))
    return dataset


def _check_folder(argument: str, usage: str) -> None:
    if not argument:
        raise ZooError(usage)
    folder = expanded(argument)
    if not folder.is_dir():
        state = "is a file, not a folder" if folder.exists() else "does not exist"
        raise ZooError(f"{folder} {state}; {usage}")


def _reader_for(folder: Path, known: dict[str, Component]) -> Any:
    readers = {name: reader for name, part in known.items() if (reader := part.load()).folder_layout}
    found = [name for name, reader in readers.items() if reader.recognises(folder)]
    if len(found) == 1:
        return readers[found[0]]
    if found:
        ways = " or ".join(f"{name}:{folder}" for name in found)
        raise ZooError(f"{folder} could be read as {' and as '.join(found)}; say which: {ways}")
    layouts = "\n".join(f"  {name}:{folder}  {reader.folder_layout}" for name, reader in readers.items())
    raise ZooError(f"{folder} has none of the layouts that can be recognised:\n{layouts}")
