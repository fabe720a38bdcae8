"""Weights of other systems, in the zoo's terms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, runtime_checkable

from .wires import ConditionSpec, GeneratorSpec, TextSource, TextSpec

if TYPE_CHECKING:
    from torch import Tensor


class Converted(NamedTuple):
    """One part of an old checkpoint in the zoo's terms."""

    use: str  # the component that holds it
    settings: Mapping[str, Any]  # read off the tensors' shapes
    state: Mapping[str, Tensor]  # our names
    text: TextSpec | None = None  # wires that building it needs, as far as the tensors tell them
    condition: ConditionSpec | None = None
    generator: GeneratorSpec | None = None
    source: TextSource | None = None


@runtime_checkable
class Importer(Protocol):
    """Reads one system's old files. `convert` is a table of names; it sees tensors only, never files."""

    parts: ClassVar[tuple[str, ...]]  # kinds it can convert
    recipe: ClassVar[str]  # of this system: what an imported model's parts are put into

    def within(self, part: str, file: Mapping[str, Any]) -> Mapping[str, Any]:
        """A part's state dict in a file that may hold several; this one takes the whole file."""
        return file

    def convert(self, part: str, state: Mapping[str, Tensor], **dims: Any) -> Mapping[str, Converted]:
        """By kind: the part asked for, and what lives inside the same file (a generator's conditioning)."""
        ...
