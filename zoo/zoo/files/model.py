"""A model's folder: what lies there, under which names, in which formats. Imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from zoo_registry import Recipe, ZooError, catalogue
from zoo_registry.errors import printable
from zoo_registry.recipe import FORMAT, SINGLE
from zoo_registry.text import read_json

from .atomic import as_json, write_text
from .formats import first_mistake
from .results import RESULTS

CARD, CONFIG, SAMPLE_GRID = "README.md", "config.json", "samples.png"
TRAINING = "training"
"""Where parts lie that sampling does not need."""
_SET_ASIDE = ("discriminator", "image_encoder", "style_encoder")


class Grown(BaseModel):
    """How far a growing generator had grown."""

    resolution: int
    alpha: float


class Config(BaseModel):
    """config.json: a recipe that was trained, and what is known of its training."""

    format: int
    recipe: dict[str, Any]  # locked; names no file
    made_with: dict[str, Any]  # versions of the zoo, of torch, and of plugins by distribution
    growth: Grown | None = None
    step: int | None = None  # of a run's training, after which the weights were taken
    files: dict[str, str] | None = None  # SHA-256 of those that were pushed, by name
    about: Any = None  # facts for the card, which anybody may have written

    def text(self) -> str:
        """The file."""
        table = self.model_dump(mode="json")
        return as_json({key: value for key, value in table.items() if value is not None})


class Model:
    """The folder of a model, or the names in a repository of one, where `folder` is empty."""

    def __init__(self, folder: str | Path = "") -> None:
        self.folder = Path(folder)
        self.card = self.folder / CARD
        self.samples = self.folder / SAMPLE_GRID
        self.results = self.folder / RESULTS
        self._config = self.folder / CONFIG

    def exists(self) -> bool:
        """Whether the folder is a model's."""
        return self._config.is_file()

    def part(self, place: str) -> Path:
        """The weights of a part, by its place in the recipe."""
        return self.folder / (TRAINING if place in _SET_ASIDE else "") / f"{place}.safetensors"

    def config(self, name: str | None = None) -> Config:
        """The configuration. name: of the model as the user knows it.

        Raises `ZooError` where it cannot be read.
        """
        called = self._called(name)
        try:
            table = read_json(self._config)
            if isinstance(table, dict) and table.get("format", FORMAT) != FORMAT:
                raise ZooError(
                    f"{called} has format {table['format']!r}; this zoo reads format {FORMAT}: "
                    "install a newer t2i-zoo"
                )
            return Config.model_validate(table)
        except ValidationError as error:
            cause = first_mistake(error)
        except (OSError, ValueError) as error:
            cause = str(error)
        raise ZooError(f"{called} cannot be read as a model's configuration: {cause}")

    def _called(self, name: str | None) -> str:
        return f"{name}: {CONFIG}" if name else str(self._config)

    def write_config(self, config: Config) -> None:
        """Write the configuration."""
        write_text(self._config, config.text())

    def recipe(self, name: str | None = None) -> Recipe:
        """The recipe. name: of the model as the user knows it.

        Raises `ZooError`; of a part that is missing it names the distribution.
        """
        config = self.config(name)
        if "extends" in config.recipe:
            raise ZooError(
                f"{self._called(name)} extends another recipe; a saved model's recipe is "
                "whole and names no file"
            )
        try:
            return Recipe.read(config.recipe, catalogue())
        except ZooError as error:
            plugins = config.made_with.get("plugins")
            installed = {plugin.distribution for plugin in catalogue().plugins if not plugin.error}
            missing = [
                f"{printable(plugin)}=={printable(str(number))}"
                for plugin, number in (plugins.items() if isinstance(plugins, dict) else ())
                if plugin not in installed
            ]
            cause = str(error) if name is None else f"{name}: {error}"
            if not missing:
                raise ZooError(cause) from None
            raise ZooError(
                f"{cause}\nit was made with {', '.join(missing)}: pip install {' '.join(missing)}"
            ) from None

    def trained_step(self) -> int | None:
        """The step of a run that the weights are of; None where no whole model of a run is there."""
        try:
            config = self.config()
        except ZooError:
            return None
        whole = all(self.part(place).is_file() for place in SINGLE if place in config.recipe)
        return config.step if whole else None
