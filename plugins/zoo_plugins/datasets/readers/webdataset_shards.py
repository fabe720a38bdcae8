"""WebDataset shards: tar files whose members KEY.jpg, KEY.txt, KEY.json are one sample (Aizman et al. 2019).

The library of that name streams shards in their order; training here needs any image at any time, so the
shards are indexed once and read in place. Nothing is ever unpacked.
"""

from __future__ import annotations

import io
import json
import os
import re
import tarfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from zoo_registry.contracts import DataSource, Problem, Record
from zoo_registry.errors import ZooError
from zoo_registry.text import decode, expanded

from .metadata import CAPTION_COLUMNS, CLASS_COLUMNS
from .reader import (
    IMAGE_EXTENSIONS,
    SPLIT_NAMES,
    SPLITS,
    Stored,
    StoredReader,
    find_files,
    is_utf8,
    leads_out,
    library,
    texts_of,
    tidy,
)

WORD = re.compile("[a-z]+")
RANGE = re.compile(r"\{(-?\d+)\.\.(-?\d+)(?:\.\.-?\d+)?\}")
TEXTS = ("txt", "json", "cls")
TEXT_LIMIT = 2**20  # bytes
MOST_SHARDS = 100_000
GZIP = b"\x1f\x8b"
DAMAGE = (tarfile.TarError, ValueError, OverflowError, RecursionError)
"""What tarfile raises at damaged headers."""


@dataclass(frozen=True)
class Member(Stored):
    """An image in a shard."""

    shard: Path
    offset: int
    size: int

    def read(self) -> bytes:
        """The image's encoded bytes, from their place in the shard."""
        with self.shard.open("rb") as file:
            file.seek(self.offset)
            return file.read(self.size)


@dataclass
class _Sample:
    image: Member | None = None
    file: str = ""  # the image's name in the shard
    texts: dict[str, bytes] = field(default_factory=dict)  # by ending


class WebDatasetShards(StoredReader):
    """Shards by a pattern, "birds-{000..009}.tar", or all of a folder.

    The captions of an image are the lines of KEY.txt and what KEY.json has as captions, text or caption; its
    class is KEY.cls, or class or label in KEY.json. A shard belongs to the split that is a word of its name
    or the name of its folder (train; val, valid, validation or dev; test), else to "train". Shards are plain
    tar: compressed ones cannot be read at random. Links in them are refused, and so are names that climb.
    Raises ZooError where no shard is there.
    """

    folder_layout: ClassVar[str] = "WebDataset shards, NAME.tar with KEY.jpg and KEY.txt or KEY.json"
    metavar: ClassVar[str] = "SHARDS"

    @classmethod
    def title(cls, argument: str) -> str | None:
        """The name of the folder or of the shards."""
        return Path(argument).name or None

    def __init__(self, source: DataSource, /) -> None:
        super().__init__(source)
        self._shards = _expand(source.argument)

    @classmethod
    def recognises(cls, folder: Path) -> bool:
        """Whether there are shards in the folder or below."""
        return next(find_files(folder, frozenset({".tar"})), None) is not None

    def _read(self, problems: list[Problem]) -> Mapping[str, Sequence[Record]]:
        base = Path(os.path.commonpath([shard.parent for shard in self._shards]))
        records: dict[str, list[Record]] = {split: [] for split in SPLITS}
        for shard in self._shards:
            file = shard.relative_to(base).as_posix()
            if not shard.is_file():
                problems.append(Problem(file, f"missing; {self.source.argument} names it"))
                continue
            index = _Shard(shard, file, problems)
            records[_split(shard)] += index.records()
            self._members += index.passed_over
        return records


def _expand(argument: str) -> list[Path]:
    """The shards of a pattern or of a folder, absolute."""
    folder = expanded(argument).absolute()
    if argument and folder.is_dir():
        shards = [folder / file for file in find_files(folder, frozenset({".tar"}))]
    elif "{" in argument:
        try:
            _check_count(argument)
            braces = library("braceexpand", "a pattern with braces")
            names = list(braces.braceexpand(argument.replace("\\", "\\\\")))
        except ValueError as error:
            raise ZooError(f"{argument}: {error}; expected NAME-{{000..009}}.tar") from None
        shards = [expanded(name).absolute() for name in names]
    else:
        shards = [folder]
    if not any(shard.is_file() for shard in shards):
        raise ZooError(
            f"webdataset:{argument}: there is no such shard; expected NAME.tar, NAME-{{000..009}}.tar "
            "or a folder of them"
        )
    return shards


def _check_count(pattern: str) -> None:
    """Refuse a pattern that names more than `MOST_SHARDS`, before it is written out."""
    count = 1
    for first, last in RANGE.findall(pattern):
        count *= abs(int(last) - int(first)) + 1
    if count > MOST_SHARDS:
        raise ZooError(f"webdataset:{pattern}: names {count:,} shards; expected {MOST_SHARDS:,} or fewer")


def _split(shard: Path) -> str:
    """The last word in the shard's name that names a split, else its folder, if that is such a word."""
    words = WORD.findall(shard.name.lower())
    named = [word for word in (shard.parent.name.lower(), *words) if word in SPLIT_NAMES]
    return SPLIT_NAMES[named[-1]] if named else "train"


class _Shard:
    """One shard while it is indexed. `file` is its name in problems."""

    def __init__(self, path: Path, file: str, problems: list[Problem]) -> None:
        self.path = path
        self.file = file
        self.problems = problems
        self.samples: dict[str, _Sample] = {}  # by key
        self.passed_over: Counter[str] = Counter()
        self._dotted: list[tuple[str, tarfile.TarInfo]] = []  # members whose key may have a dot

    def records(self) -> Iterator[Record]:
        """The samples that can be used, in their order."""
        self._index()
        for key, sample in self.samples.items():
            captions, label = self._texts(key, sample)
            if sample.image is None:
                self._problem(f"captions without an image; {key}.jpg is missing")
            elif sample.image.size == 0:
                self._problem(f"{sample.file}: the image is empty")
            elif not captions:
                expected = f"expected {key}.txt or a caption in {key}.json"
                self._problem(f"{sample.file}: image without captions; {expected}")
            else:
                name = f"{self.file.removesuffix('.tar')}/{key}"
                yield Record(name, sample.image, tuple(captions), label=label)

    def _problem(self, what: str) -> None:
        self.problems.append(Problem(self.file, what))

    def _index(self) -> None:
        try:
            stream = _Stream(self.path, "rb")
        except OSError as error:
            self._problem(f"cannot be read: {error.strerror}")
            return
        with stream:
            head = stream.read(len(GZIP))
            if not head:
                self._problem("the file is empty")
            elif head == GZIP:
                self._problem("compressed, so that no image can be read alone; unpack it with gunzip to .tar")
            else:
                stream.seek(0)
                try:
                    with tarfile.open(fileobj=stream, mode="r:") as tar:
                        for member in tar:
                            if member.offset_data + member.size > stream.size:
                                raise tarfile.ReadError("unexpected end of data")
                            self._add(member, tar)
                        for key, member in self._dotted:
                            self._add_dotted(key, member, tar)
                        stream.seek(tar.offset)  # the archive's end, or a header that tarfile gave up at
                    end = stream.read(tarfile.BLOCKSIZE)
                    if end.strip(b"\0"):
                        self._problem("damaged (no header where one is due); what follows is not read")
                    elif not end:
                        self._problem("cut off: the archive has no end; members may be missing")
                except DAMAGE as error:
                    self._problem(f"damaged ({error}); what follows is not read")

    def _add(self, member: tarfile.TarInfo, tar: tarfile.TarFile) -> None:
        path = PurePosixPath(member.name)
        if member.isdir():
            return
        if path.name.startswith((".", "__")):  # __NAME__ is WebDataset's own
            self.passed_over["hidden members"] += 1
            return
        if not member.isreg() or member.issparse():
            self._problem(f"{member.name!r} is a link or no plain file; it is not followed")
            return
        if leads_out(member.name) or not is_utf8(member.name):
            self._problem(f"{member.name!r} leads out of the shard or is not UTF-8; expected a name below it")
            return
        stem, _, ending = path.name.partition(".")
        if _is_used(ending):
            self._use(path.with_name(stem).as_posix(), ending.lower(), member, tar)
        elif _is_used(ending.rpartition(".")[2]):
            self._dotted.append((path.with_name(stem).as_posix(), member))
        else:
            self.passed_over[f".{ending.lower()} members"] += 1

    def _add_dotted(self, key: str, member: tarfile.TarInfo, tar: tarfile.TarFile) -> None:
        """A member such as 22.05.png: of the sample 22, which has no use for it, else of the sample 22.05."""
        whole, _, ending = member.name.rpartition(".")
        if key in self.samples:
            self.passed_over[f".{member.name.removeprefix(key + '.').lower()} members"] += 1
        else:
            self._use(whole, ending.lower(), member, tar)

    def _use(self, key: str, ending: str, member: tarfile.TarInfo, tar: tarfile.TarFile) -> None:
        sample = self.samples.setdefault(key, _Sample())
        if ending not in TEXTS:
            if sample.image is None:
                sample.image = Member(self.path, member.offset_data, member.size)
                sample.file = member.name
            else:
                self._problem(f"{member.name} is a second image beside {sample.file}; it is not used")
        elif member.size > TEXT_LIMIT:
            self._problem(f"{member.name} is longer than {TEXT_LIMIT} bytes; it is not read")
        elif content := tar.extractfile(member):
            sample.texts[ending] = content.read()

    def _texts(self, key: str, sample: _Sample) -> tuple[list[str], str | None]:
        """The captions and the class of a sample."""
        captions: list[str] = []
        label: str | None = None
        for ending, data in sample.texts.items():
            member = f"{key}.{ending}"
            try:
                row = _row(ending, data)
                texts = [text for column in CAPTION_COLUMNS for text in texts_of(row.get(column))]
                if ending == "txt" and not any(texts):
                    self._problem(f"{member} holds no caption; expected one per line")
                captions += [text for text in dict.fromkeys(texts) if text and text not in captions]
                label = _label(row) or label
            except UnicodeDecodeError:
                self._problem(f"{member} is not UTF-8")
            except (ValueError, RecursionError) as error:
                self._problem(f"{member}: {error}")
        return captions, label


class _Stream(io.FileIO):
    """A file that is never asked for more than it holds, whatever its headers say."""

    @cached_property
    def size(self) -> int:
        """Its bytes."""
        return os.fstat(self.fileno()).st_size

    def read(self, size: int | None = -1) -> bytes:
        """At most `size` bytes from here; all that is left for -1."""
        left = max(self.size - self.tell(), 0)
        return super().read(left if size is None or size < 0 else min(size, left)) or b""


def _is_used(ending: str) -> bool:
    return ending.lower() in TEXTS or f".{ending.lower()}" in IMAGE_EXTENSIONS


def _row(ending: str, data: bytes) -> Mapping[str, Any]:
    """A member as a row of metadata."""
    text = decode(data)
    if ending == "txt":
        return {"captions": text.split("\n")}
    if ending == "cls":
        return {"class": tidy(text)}
    row = json.loads(text)
    if not isinstance(row, dict):
        raise ValueError("not an object with a caption")
    return row


def _label(row: Mapping[str, Any]) -> str | None:
    classes = [row[column] for column in CLASS_COLUMNS if row.get(column) not in (None, "")]
    if not classes:
        return None
    if not isinstance(classes[0], str | int):
        raise ValueError(f"the class {classes[0]!r} is neither text nor a number")
    (label,) = texts_of([str(classes[0])])
    return label
