"""Valid inputs with small damages, and a watch over what is done with them."""

from __future__ import annotations

import copy
import math
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zoo_registry import ZooError

TIMES = int(os.environ.get("FUZZ_TIMES", "1"))
"""How many times the inputs of the suite; more than 1 draws other ones each time."""

SECONDS = 10  # what takes longer hangs

ODD_TEXTS = (
    *("", " ", "\0", "\n", "\ud800", "\u202e", "\x1b[31mred", "e\u0301", "\ufeff", "鳥" * 9, "🐦"),
    *("a" * 5000, "../x", "../../x", "/etc/passwd", "~nobody/x", "C:\\x", "#", "a#b"),
    *("nan", "{0..999999999}", "-1", "1e999"),
)
ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 10**30, 10**400, 0.0, -0.5, 1e308, 1e-308),
    *(math.nan, math.inf, [], {}, [[]], [None], [1, "a"], {"a": {"a": 1}}, {"use": "x"}),
    *ODD_TEXTS,
)
Edit = tuple[str, float, bytes]
edits_of_bytes: st.SearchStrategy[list[Edit]] = st.lists(
    st.tuples(
        st.sampled_from(["flip", "cut", "insert", "remove", "repeat", "replace"]),
        st.floats(0, 1, exclude_max=True),
        st.one_of(
            st.binary(min_size=1, max_size=8),
            st.sampled_from([t.encode("utf-8", "replace") for t in ODD_TEXTS]),
        ),
    ),
    min_size=1,
    max_size=3,
)
edits_of_tables = st.lists(
    st.tuples(
        st.sampled_from(["set", "set", "remove", "rename", "wrap"]),
        st.floats(0, 1, exclude_max=True),
        st.sampled_from(ODD),
    ),
    min_size=1,
    max_size=3,
)


def damaged(data: bytes, edits: list[Edit]) -> bytes:
    """Bytes with so many edits."""
    for how, where, other in edits:
        at = int(where * len(data))
        before, after = data[:at], data[at:]
        if how == "flip" and after:
            data = before + bytes([after[0] ^ (other[:1] or b"\x01")[0]]) + after[1:]
        elif how == "cut":
            data = before
        elif how == "insert":
            data = before + other + after
        elif how == "remove":
            data = before + after[len(other) :]
        elif how == "repeat":
            data = before + after[:64] + after
        elif how == "replace":
            data = before + other + after[len(other) :]
    return data


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in nested tables and lists, the outermost left out."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield (*at, key)
        yield from places(item, (*at, key))


def changed(value: Any, edits: list[tuple[str, float, Any]]) -> Any:
    """Nested tables and lists with so many edits."""
    value = copy.deepcopy(value)
    for how, where, other in edits:
        known = list(places(value))
        if not known:
            return other
        *above, key = known[int(where * len(known))]
        holder = value
        for step in above:
            holder = holder[step]
        if how == "remove":
            del holder[key]
        elif how == "wrap":
            holder[key] = [holder[key]]
        elif how == "rename" and isinstance(holder, dict):
            holder[str(other)] = holder.pop(key)
        else:
            holder[key] = copy.deepcopy(other)
    return value


class _Watch:
    """Reports files that are changed outside of a folder, programs that start and connections, while on."""

    folder: Path | None = None
    found: list[str]

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.folder is None:
            return
        if event in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "socket.connect"):
            self.found.append(f"{event} {arguments[:2]}")
        elif event == "open":
            path, _, flags = arguments
            writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            if writes and isinstance(path, str | os.PathLike):
                self.written(event, path)
        elif event in ("os.rename", "os.mkdir", "os.link", "os.symlink", "os.truncate"):
            self.written(
                event, arguments[1] if event in ("os.rename", "os.link", "os.symlink") else arguments[0]
            )

    def written(self, event: str, path: Any) -> None:
        assert self.folder is not None
        path = os.path.realpath(os.fsdecode(path))
        if not Path(path).is_relative_to(self.folder) and path != os.devnull:
            self.found.append(f"{event} {path}")


_watch = _Watch()
sys.addaudithook(_watch)


@contextmanager
def watched(folder: Path) -> Iterator[None]:
    """What runs in here may change files in the folder alone, start nothing, and take ten seconds of work.

    Where it waits, a minute: other processes may be at work beside it.
    """

    def late(*_: Any) -> None:
        raise AssertionError(f"not done after {SECONDS} s")

    before = {number: signal.signal(number, late) for number in (signal.SIGALRM, signal.SIGPROF)}
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    signal.alarm(6 * SECONDS)
    _watch.folder, _watch.found = Path(os.path.realpath(folder)), []
    try:
        yield
    finally:
        _watch.folder = None
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)
        for number, handler in before.items():
            signal.signal(number, handler)
    assert not _watch.found, _watch.found


def fuzz(
    count: int, inputs: st.SearchStrategy[Any], folder: Path, work: Callable[[Any], bool]
) -> Counter[str]:
    """Put so many inputs to work, which returns whether one was in order; a `ZooError` is an answer, too.

    Returns how many were "taken" and how many "refused"; of each there is one in fifty at least, so neither
    is all there is to test.
    """
    found: Counter[str] = Counter()

    @settings(
        max_examples=count * TIMES,
        derandomize=TIMES == 1,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=TIMES > 1,
    )
    @given(inputs)
    def one(value: Any) -> None:
        with watched(folder):
            said = ""
            try:
                taken = work(value)
            except ZooError as error:
                taken, said = False, str(error)
        assert "Traceback" not in said
        assert said.replace("\n", "").isprintable(), ascii(said)
        found["taken" if taken else "refused"] += 1

    one()
    assert min(found["taken"], found["refused"]) * 50 >= sum(found.values()), found
    return found
