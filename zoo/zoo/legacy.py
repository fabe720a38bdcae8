"""Old checkpoints in the zoo's terms: the public name of `zoo.importing`."""

from __future__ import annotations

from .importing.convert import convert, import_model

__all__ = ["convert", "import_model"]
