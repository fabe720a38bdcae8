"""Uploading a model to the Hub: all of it in one commit, or nothing. Imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from zoo_registry import ZooError
from zoo_registry.recipe import SINGLE

from ..files import sha256
from ..files.model import CARD, CONFIG, SAMPLE_GRID, TRAINING, Model
from ..files.results import RESULTS
from .card import Facts, card
from .folder import SAMPLING
from .hub import DATA, HubId, api, hub_errors
from .results import weights_key

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete


def push(
    folder: Path, repo: str, *, private: bool = False, license: str | None = None, about: Path | None = None
) -> str:
    """Upload a model's folder to "org/name" on the Hub, with a card written anew; the URL of the commit.

    One commit replaces the model that was there; files that are there already are not sent again, and where
    all are, no commit is made. config.json goes with the sha256 of each file. private: a repository that is
    not there yet is made so. license: as for `card`. about: the folder whose run tells data and results.
    Raises `ZooError` for all that the Hub refuses; then the repository holds what it held before.
    """
    place = repository(repo)
    contents = to_publish(folder, repo, license=license, about=about)
    return _commit(place, contents, private=private)


def repository(repo: str) -> HubId:
    """The repository "org/name", for writing. Raises `ZooError` for another name, and without a token."""
    from huggingface_hub import get_token

    place = HubId.parse(repo)
    if place is None or place.revision is not None:
        raise ZooError(f"{repo!r} is not the name of a repository; expected org/name, as in ada/birds")
    if get_token() is None:
        owner = place.repo.partition("/")[0]
        raise ZooError(
            f"pushing to {place} needs a token that may write for {owner!r}: log in with hf auth login, or "
            "set HF_TOKEN"
        )
    return place


def to_publish(
    folder: Path, name: str, *, license: str | None = None, about: Path | None = None
) -> dict[str, Path | bytes]:
    """What goes out of a model's folder, by the names of the files: card, image, weights, configuration.

    name: the argument of `zoo.load`. license, about: as for `push`.
    """
    files = _files(folder)
    facts = Facts.of(about or folder, weights_key(folder))
    text = card(folder, facts=facts, name=name, license=license)
    contents: dict[str, Path | bytes] = {CARD: text.encode()}
    if facts.grid_file is not None:
        contents[SAMPLE_GRID] = facts.grid_file
    contents |= files
    config = Model(folder).config()
    config.files = {name: sha256(file) for name, file in sorted(files.items())}
    config.about = facts.recorded()
    contents[CONFIG] = config.text().encode()
    return contents


def _files(folder: Path) -> dict[str, Path]:
    """The files of a model by their names in the repository: its parts' weights, and its tokenizer's."""
    recipe = Model(folder).recipe()
    files = {}
    for kind in SINGLE:
        file = Model(folder).part(kind)
        if file.is_file():
            files[file.relative_to(folder).as_posix()] = file
        elif kind in recipe.parts and kind in SAMPLING:
            raise ZooError(f"{folder} holds no {kind.replace('_', ' ')}: {file.name} is not there")
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder).as_posix()
        hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
        ours = name in (CONFIG, RESULTS) or name.startswith(f"{TRAINING}/")
        if file.suffix in DATA and file.is_file() and not hidden and not ours:
            files[name] = file
    return files


def _commit(place: HubId, contents: dict[str, Path | bytes], *, private: bool) -> str:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    client = api()
    with hub_errors(place, "write"):
        client.create_repo(place.repo, private=private or None, exist_ok=True)
        info = client.model_info(place.repo)
        if private and info.private is False:
            raise ZooError(
                f"{place} is there already and public: nothing was uploaded. Make it private in its settings "
                "on the Hub first, or push to another name"
            )
        held = {sibling.rfilename for sibling in info.siblings or ()}
        own = {Model().part(kind).as_posix() for kind in SINGLE} | {SAMPLE_GRID}
        operations: list[CommitOperationAdd | CommitOperationDelete] = [
            CommitOperationAdd(name, content if isinstance(content, bytes) else str(content))
            for name, content in contents.items()
        ]
        operations += [CommitOperationDelete(name) for name in sorted((held & own) - set(contents))]
        commit = client.create_commit(
            place.repo,
            operations,
            commit_message=f"Push {place.repo.partition('/')[2]} with t2i-zoo",
            parent_commit=info.sha,
        )
    return str(commit.commit_url)
