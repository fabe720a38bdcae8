"""Files of JSON data that pydantic models are the formats of."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from zoo_registry import ZooError
from zoo_registry.text import read_json

from .atomic import write_json

Format = TypeVar("Format", bound=BaseModel)


def read_format(path: Path, format: type[Format]) -> Format:
    """The content of a file. Raises `ZooError` that names the place of the first mistake."""
    try:
        return format.model_validate(read_json(path))
    except OSError as error:
        raise ZooError(f"{path} cannot be read: {error.strerror}") from None
    except ValidationError as error:
        raise ZooError(f"{path} cannot be read: {first_mistake(error)}") from None
    except ValueError as error:
        raise ZooError(f"{path} cannot be read as JSON: {error}") from None


def first_mistake(error: ValidationError) -> str:
    """The place and the kind of the first mistake in a file's content."""
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"]))
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{f'{place}: ' if place else ''}{first['msg']}{more}"


def write_format(path: Path, content: BaseModel) -> None:
    """Write a file that `read_format` reads, replacing an old one in one step."""
    write_json(path, content.model_dump(mode="json", exclude_none=True))


def read_table(path: Path) -> dict[str, Any]:
    """A JSON object of any content. Raises `ZooError` where the file holds none."""
    try:
        table = read_json(path)
    except (OSError, ValueError) as error:
        raise ZooError(f"{path} cannot be read as JSON: {error}") from None
    if not isinstance(table, dict):
        raise ZooError(f"{path}: expected a JSON object, got {type(table).__name__}")
    return table
