"""Models on the Hugging Face Hub: what a name means there, what is fetched, and what is refused.

All through huggingface_hub: its cache, its token (`hf auth login`, HF_TOKEN), HF_ENDPOINT, HF_HUB_OFFLINE.
Its ModelHubMixin is no base of `Pipeline`: it removes config.json before it saves, copies every dataclass
that a constructor is given (the weights too), and knows neither runs nor parts that are fetched later.
Imports no torch.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from zoo_registry import ZooError
from zoo_registry.errors import first_line, near, nearest
from zoo_registry.recipe import SINGLE
from zoo_registry.text import expanded

from ..files import folder_written_beside, sha256
from ..files.model import CARD, CONFIG, SAMPLE_GRID, TRAINING, Model
from ..files.results import RESULTS
from .folder import SAMPLING, folders_beside

if TYPE_CHECKING:
    from huggingface_hub import HfApi

DATA = (".json", ".txt", ".model")
"""How the names of a tokenizer's files end: data, never code."""
_PICKLES = re.compile(r"\.(pkl|pickle|pt|pth|ckpt|joblib)$|(^|/)(pytorch_model.*|training_args)\.bin$", re.I)
_NAME = re.compile(r"([A-Za-z0-9][\w.-]*/[\w.-]*[A-Za-z0-9_])(?:@(\S+))?", re.ASCII)
_REVISION = re.compile(r"(?!.*\.\.)\w[\w./-]*", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}")


class HubId(NamedTuple):
    """A repository on the Hub, and which of its revisions: a branch, a tag or a commit; None: the newest."""

    repo: str
    revision: str | None = None

    def __str__(self) -> str:
        return self.repo if self.revision is None else f"{self.repo}@{self.revision}"

    @classmethod
    def parse(cls, text: str, revision: str | None = None) -> HubId | None:
        """What "org/name" or "org/name@revision" means; None where the text is neither.

        Raises `ZooError` for two revisions, and for one that cannot be.
        """
        found = _NAME.fullmatch(text)
        if found is None or "--" in found[1] or ".." in found[1]:
            return None
        if revision is not None and found[2] not in (None, revision):
            raise ZooError(f"{text}: two revisions, {found[2]!r} and {revision!r}")
        chosen = revision or found[2]
        if chosen is not None and not _REVISION.fullmatch(chosen):
            raise ZooError(f"{text}: {chosen!r} is no revision; expected a branch, a tag or a commit")
        return cls(found[1], chosen)

    @classmethod
    def of_model(cls, model: str | Path, revision: str | None = None) -> HubId | None:
        """The repository that a model's name stands for; None where a folder of that name exists.

        Raises as `parse` does.
        """
        return None if expanded(model).exists() else cls.parse(str(model), revision)


def api() -> HfApi:
    """The Hub's client, as the environment sets it up."""
    from huggingface_hub import HfApi

    return HfApi(library_name="t2i-zoo", library_version=version("t2i-zoo"))


def fetch(place: HubId, *, parts: Iterable[str] = SAMPLING, card: bool = False) -> Path:
    """The folder in the Hub's cache with a model's configuration, tokenizer, and the weights of some parts.

    The configuration comes first: what this zoo cannot read costs no more. What was fetched before is not
    fetched again, and serves without a network. card: the model card and its image too.
    Raises `ZooError` for a repository that cannot be had, that is no model, that holds a pickle or a path
    which leaves its folder, and for weights other than those that were pushed.
    """
    from huggingface_hub import RepoFile, constants, get_cached_repo_tree
    from huggingface_hub.errors import CachedRepoTreeNotFoundError

    client = api()
    with hub_errors(place):
        revision = client.resolve_revision(
            place.repo, revision=place.revision, local_files_only=constants.HF_HUB_OFFLINE
        )
        if not _COMMIT.fullmatch(revision.resolved):
            raise ZooError(f"{place}: the Hub names {revision.resolved!r} as its commit, which cannot be")
        try:
            files = get_cached_repo_tree(place.repo, revision=revision)
        except CachedRepoTreeNotFoundError:
            tree = client.list_repo_tree(place.repo, recursive=True, revision=revision.resolved)
            files = [file for file in tree if isinstance(file, RepoFile)]
        names = [file.path for file in files]
        _check(place, names)
        folder = Path(client.hf_hub_download(place.repo, CONFIG, revision=revision)).parent
    Model(folder).recipe(str(place))
    own = {Model().part(kind).as_posix() for kind in parts} | ({CARD, SAMPLE_GRID} if card else set())
    needed = [name for name in names if name in own or _tokenizer(name)]
    if not all((folder / name).is_file() for name in needed):
        patterns = [CONFIG, *map(_exactly, needed)]
        with hub_errors(place):
            client.snapshot_download(place.repo, revision=revision, allow_patterns=patterns)
    _verify(place, folder, needed)
    return folder


def pull(place: HubId, folder: Path | None = None, *, training: bool = False) -> Path:
    """Fetch a model for later: into the Hub's cache, and as a folder of its own where one is named.

    training: with the parts that only training needs. Raises `ZooError` where `fetch` does, and for a folder
    that is there already.
    """
    if folder is not None and folder.exists():
        raise ZooError(f"{folder} exists; name a new folder for {place}")
    cached = fetch(place, parts=SINGLE if training else SAMPLING, card=folder is not None)
    if folder is None:
        return cached
    names = [CONFIG, CARD, SAMPLE_GRID, *(Model().part(kind).as_posix() for kind in SAMPLING)]
    if training:
        names += [Model().part(kind).as_posix() for kind in SINGLE]
    with folder_written_beside(folder) as beside:
        for file in sorted(path for path in cached.rglob("*") if path.is_file()):
            name = file.relative_to(cached).as_posix()
            if name in names or _tokenizer(name):
                (beside / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, beside / name)
    return folder


def _tokenizer(name: str) -> bool:
    """Whether a file is one of those that a text encoder writes beside its weights."""
    path = PurePosixPath(name)
    return path.suffix in DATA and path.parts[0] != TRAINING and name not in (CONFIG, RESULTS)


def _exactly(name: str) -> str:
    """The pattern that this name alone fits."""
    return re.sub(r"([*?[])", r"[\1]", name)


def _check(place: HubId, names: Iterable[str]) -> None:
    """Refuse a repository for what its files are called, before any of them is fetched."""
    names = list(names)
    for name in names:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name or not name.isprintable():
            raise ZooError(
                f"{place} holds a file called {name!r}, which would leave its folder: nothing is fetched"
            )
        if _PICKLES.search(name):
            raise ZooError(
                f"{place} holds a pickle, {name}, which could run code when it is opened; models of the zoo "
                "hold none: nothing is fetched. Its owner can delete it, or load a revision without it"
            )
    if CONFIG not in names:
        held = ", ".join(sorted(names)[:8]) or "nothing"
        raise ZooError(f"{place} is no model of the zoo: it has no {CONFIG}; it holds: {held}")


def _verify(place: HubId, folder: Path, names: Iterable[str]) -> None:
    """Compare files with the hashes that were pushed with them, and with the Hub's own for large files.

    What differs leaves the cache, so that it is fetched anew the next time.
    """
    hashes = Model(folder).config(str(place)).files or {}
    for name in names:
        file = folder / name
        if not file.is_file():
            continue
        stored = file.resolve()  # the cache calls a large file by its sha256
        own = hashes.get(name)
        expected = {own, stored.name if re.fullmatch(r"[0-9a-f]{64}", stored.name) else None}
        expected.discard(None)
        if expected and expected != {found := sha256(file)}:
            file.unlink()
            stored.unlink(missing_ok=True)
            others = " and ".join(sorted(f"{text:.12}…" for text in expected if text != found))
            raise ZooError(
                f"{place}: {name} is not the file that was pushed: its sha256 is {found:.12}…, not "
                f"{others}. It was taken out of the cache; if that comes again, the repository itself was "
                "tampered with"
            )


@contextmanager
def hub_errors(place: HubId, doing: str = "read") -> Iterator[None]:
    """Turn errors of huggingface_hub into a `ZooError` that says what to do."""
    from httpx2 import HTTPError
    from huggingface_hub import constants
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
        RevisionResolutionError,
    )

    hub = constants.ENDPOINT
    try:
        yield
    except GatedRepoError:
        raise ZooError(
            f"{place} asks its readers to accept its conditions first: {hub}/{place.repo}, logged in"
        ) from None
    except RepositoryNotFoundError:
        raise ZooError(_missing(place, hub, doing)) from None
    except RevisionNotFoundError:
        raise ZooError(f"{place.repo} has no revision {place.revision!r}{_nearest_revision(place)}") from None
    except (RevisionResolutionError, LocalEntryNotFoundError, OfflineModeIsEnabled) as error:
        raise ZooError(_unreachable(place, hub, error)) from None
    except (HfHubHTTPError, RuntimeError) as error:
        answer = error.__cause__ if isinstance(error, RuntimeError) else error  # of a thread that uploads
        if not isinstance(answer, HfHubHTTPError):
            raise ZooError(f"{place}: {hub}: {first_line(answer or error)}") from None
        status = answer.response.status_code
        reasons = {
            401: "no valid token was sent: log in with hf auth login, or set HF_TOKEN",
            403: f"the token may not {doing} it; make one that may at {hub}/settings/tokens",
            409: "it was changed at the same time; try again",
            412: "it was changed at the same time; try again",
            429: "too many requests; try again in some minutes",
        }
        reason = reasons.get(status) or (
            "Hub server error; try again later" if status >= 500 else first_line(answer)
        )
        raise ZooError(f"{place}: {hub} answered {status}: {reason}") from None
    except (HTTPError, OSError, ValueError) as error:
        raise ZooError(
            f"{place} cannot be {'pushed to' if doing == 'write' else 'read from'} {hub}: {first_line(error)}"
        ) from None


def _missing(place: HubId, hub: str, doing: str) -> str:
    if doing == "write":
        return (
            f"{place} cannot be written at {hub}: log in with hf auth login, or set HF_TOKEN to a token that "
            f"may write for {place.repo.partition('/')[0]!r}"
        )
    return (
        f"{place.repo} is no folder here and no repository at {hub}{_nearest(place)}\n"
        "a repository's name is org/name, a revision's org/name@revision, as the Hub spells them, capitals "
        "too; a private one needs hf auth login, or HF_TOKEN"
    )


def _unreachable(place: HubId, hub: str, error: BaseException) -> str:
    from huggingface_hub import constants

    where = f"not wholly in the cache, {constants.HF_HUB_CACHE}"
    if constants.HF_HUB_OFFLINE:
        return (
            f"{place} is {where}, and HF_HUB_OFFLINE is set; fetch it once without: "
            f"zoo pull {place}{_nearest(place)}"
        )
    cause = first_line(error.__cause__ or error)
    return f"{place} is no folder here and {where}, and {hub} cannot be reached: {cause}{_nearest(place)}"


def _nearest_revision(place: HubId) -> str:
    """The branches and tags of a repository, the nearest where there is one."""
    from httpx2 import HTTPError

    try:
        refs = api().list_repo_refs(place.repo)
    except (HTTPError, OSError):
        return ""
    names = [ref.name for ref in (*refs.branches, *refs.tags)]
    return nearest(str(place.revision), names)


def _nearest(place: HubId) -> str:
    """The folder here or the repository in the cache that a mistyped name may stand for."""
    from huggingface_hub import constants

    cached = expanded(constants.HF_HUB_CACHE).glob("models--*--*")
    known = {path.name.removeprefix("models--").replace("--", "/") for path in cached}
    return near(place.repo, (known | set(folders_beside(Path(place.repo)))) - {place.repo})


def cached(folder: Path) -> HubId | None:
    """The repository and commit whose folder in the Hub's cache this is; None: it is another folder."""
    from huggingface_hub import constants

    root = expanded(constants.HF_HUB_CACHE).resolve()
    if not folder.resolve().is_relative_to(root):
        return None
    name, _, commit = folder.resolve().relative_to(root).parts[:3]
    return HubId(name.removeprefix("models--").replace("--", "/"), commit)
