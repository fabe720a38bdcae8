"""`python -m benchmarks.mutants`: put small bugs into the code, one at a time; count those that tests notice.

Each mutant changes one operator, number, truth value or condition in a function's body, or removes one
statement. The tests that execute the changed line run on it, quickest first, until one fails. Module level,
defaults, messages, assertions and `strict` of zip are left alone.

mutmut 3 knows one source root, the repository's or `src`, and there are three here; cosmic-ray starts a
process per mutant, which imports torch and trains anew what tests share. Here one process imports everything
and collects the tests; each mutant is a fork of it in which functions get their mutated code. Processes that
tests start have the code as it is.

Results are lines of .mutants/results.jsonl: an interrupted run goes on where it stopped. A mutant is
tried again when its file changed or, if it survived, when the tests changed. At the end mutants.json has the
figures, and the survivors with the reasons that it had for them.
"""

from __future__ import annotations

import argparse
import ast
import gc
import hashlib
import importlib
import json
import os
import random
import signal
import tempfile
import time
import types
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import zip_longest
from pathlib import Path
from typing import Any

import coverage
import pytest

ROOT = Path(__file__).parents[1]
WORK = ROOT / ".mutants"
SUMMARY = Path(__file__).with_name("mutants.json")
SOURCES = (
    *sorted(ROOT.glob("plugins/zoo_plugins/tasks/*.py")),
    *sorted(ROOT.glob("plugins/zoo_plugins/losses/*.py")),
    *(ROOT / f"zoo/zoo/training/{name}.py" for name in ("schedule", "loop", "learner")),
    ROOT / "zoo/zoo/files/checkpoints.py",
    ROOT / "registry/zoo_registry/recipe.py",
)
NEAREST = "tasks phases originals growth classes mismatch schedule checkpoints validation"
TESTS = (
    "tests/recipes",
    *(
        f"tests/parts/test_{name}.py"
        for name in ("adversarial", "clip_similarity", "conditioning", "contrastive")
    ),
    *(
        f"tests/parts/test_{name}.py"
        for name in ("damsm", "joint_stages", "pointwise", "regularisers", "sje", "style")
    ),
    "tests/contracts/test_tasks.py",
    *(f"tests/train/test_{name}.py" for name in NEAREST.split()),
)
LEFT_OUT = "killed_in or resume or half_grown"  # whole runs, once more for every mutant
NOTICED = ("killed", "out of time")
ENOUGH = 30.0  # seconds of tests per mutant, as they took without it
SWAPS: dict[type, type] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or,
    ast.Or: ast.And, ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.USub: ast.UAdd, ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}  # fmt: skip
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}
PATHS = {"path", "folder", "beside", "base"}  # whose / divides nothing
SKIPPED = ast.JoinedStr | ast.Assert | ast.arguments | ast.Raise
Lines = dict[tuple[str, int], set[str]]
"""What executes a line: tests and fixtures, by file and line."""
Edit = tuple[ast.AST, str, str, Any]
"""What of a node is set to what, and how that is told: node, words, attribute, value."""


def edits(node: Any) -> Iterator[Edit]:
    """The ways to change a node."""
    match node:
        case ast.Compare():
            for i, old in enumerate(node.ops):
                new = SWAPS[type(old)]
                yield (
                    node,
                    f"{type(old).__name__} to {new.__name__}",
                    "ops",
                    [*node.ops[:i], new(), *node.ops[i + 1 :]],
                )
        case ast.UnaryOp(op=ast.Not()):
            yield node, "Not removed", "operand", ast.UnaryOp(ast.Not(), node.operand)
        case ast.BinOp(left=left, op=ast.Div()) if ast.unparse(left).split(".")[-1] in PATHS:
            pass
        case ast.BinOp() | ast.AugAssign() | ast.BoolOp() | ast.UnaryOp() if type(node.op) in SWAPS:
            new = SWAPS[type(node.op)]
            yield node, f"{type(node.op).__name__} to {new.__name__}", "op", new()
        case ast.Constant(value=bool() as value):
            yield node, f"{value} to {not value}", "value", not value
        case ast.Constant(value=int() | float() as value):
            yield node, f"{value} to {value + 1}", "value", value + 1
        case ast.Name(id=name) if name in NAMES:
            yield node, f"{name} to {NAMES[name]}", "id", NAMES[name]
    test = getattr(node, "test", None)
    if isinstance(test, ast.Name | ast.Attribute | ast.Call):
        yield node, "condition negated", "test", ast.UnaryOp(ast.Not(), test)
    for field in ("body", "orelse", "finalbody"):
        block = getattr(node, field, ())
        for i, line in enumerate(block if isinstance(block, list) else ()):
            stored = isinstance(line, ast.Assign) and not isinstance(line.targets[0], ast.Name | ast.Tuple)
            called = isinstance(line, ast.Expr) and not isinstance(line.value, ast.Constant)
            if stored or called or isinstance(line, ast.AugAssign | ast.Raise | ast.Continue | ast.Break):
                # under `if False`, for what is local or free in a function has to stay so
                without = [
                    *block[:i],
                    ast.copy_location(ast.If(ast.Constant(False), [line], []), line),
                    *block[i + 1 :],
                ]
                yield node, f"removed line {i}", field, without


def inside(node: ast.AST, function: str = "", within: bool = False) -> Iterator[tuple[str, ast.AST]]:
    """The nodes of all functions' bodies, in order, each with its function's name."""
    if isinstance(node, SKIPPED) or (isinstance(node, ast.keyword) and node.arg == "strict"):
        return
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        function, within = f"{function}.{node.name}".strip("."), isinstance(node, ast.FunctionDef)
    if within:
        yield function, node
    for field, value in ast.iter_fields(node):
        if field not in ("annotation", "returns", "decorator_list"):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from inside(child, function, within)


def mutants(path: Path) -> Iterator[tuple[str, set[int], Callable[[], types.CodeType]]]:
    """Every mutant of a file: its name, the lines that it changes, and what makes its code."""
    text = path.read_text(encoding="utf-8")

    def every(tree: ast.AST) -> Iterator[tuple[str, Edit]]:
        return ((function, edit) for function, node in inside(tree) for edit in edits(node))

    def code(number: int) -> types.CodeType:
        tree = ast.parse(text)
        node, _, attribute, value = list(every(tree))[number][1]
        setattr(node, attribute, value)
        return compile(ast.fix_missing_locations(tree), str(path), "exec")

    tree = ast.parse(text)
    statements = [node for node in ast.walk(tree) if isinstance(node, ast.stmt)]
    seen: Counter[str] = Counter()
    for number, (function, (node, words, attribute, value)) in enumerate(list(every(tree))):
        part: Any = node.test if attribute == "test" else node  # type: ignore[attr-defined]
        if words.startswith("removed line"):
            part = value[int(words.split()[-1])]
            words = "removed"
        first, last = part.lineno, part.end_lineno
        around = max(s.lineno for s in statements if s.lineno <= first and last <= (s.end_lineno or 0))
        name = f"{path.name} {function}: {words} in `{text.splitlines()[first - 1].strip()}`"
        seen[name] += 1
        nth = f" ({seen[name]})" if seen[name] > 1 else ""
        yield name + nth, {around, *range(first, last + 1)}, lambda number=number: code(number)


def patch(path: Path, code: types.CodeType) -> None:
    """Give the functions of an imported file the code of the same functions in `code`."""
    found: dict[tuple[str, int], types.CodeType] = {}
    left = [code]
    while left:
        each = left.pop()
        found[each.co_qualname, each.co_firstlineno] = each
        left += [c for c in each.co_consts if isinstance(c, types.CodeType)]
    functions = [f for f in gc.get_objects() if type(f) is types.FunctionType]
    for function in functions:
        old = function.__code__
        if old.co_filename == str(path):
            function.__code__ = found[old.co_qualname, old.co_firstlineno]


def forked(work: Callable[[], int], limit: float) -> int:
    """What `work` returns in a process of its own; -SIGALRM after `limit` seconds."""
    with tempfile.TemporaryDirectory() as temporary:
        child = os.fork()
        if not child:
            status = 3
            try:
                os.setpgid(0, 0)
                signal.alarm(round(limit))
                os.environ["PYTEST_DEBUG_TEMPROOT"] = temporary
                nowhere = os.open(os.devnull, os.O_RDWR)
                for stream in (0, 1, 2):
                    os.dup2(nowhere, stream)
                status = work()
            finally:
                os._exit(status)
        try:
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        finally:
            with suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)  # what a test started and left


def digest(paths: Iterable[Path]) -> str:
    """Of the contents of files."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(paths) if path.exists())).hexdigest()[
        :16
    ]


class Runner:
    """A plugin of pytest that runs the collected tests on mutants, instead of once."""

    def __init__(self, only: str, sample: int | None, seed: int) -> None:
        self.only, self.sample, self.seed = only, sample, seed
        self.coverage: coverage.Coverage | None = None
        self.context, self.seconds, self.failed = "", Counter[str](), set[str]()

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Any:
        """A fixture that tests share counts for each of them."""
        if self.coverage is None or fixturedef.scope == "function":
            return (yield)
        before, begin = self.context, time.perf_counter()
        self.context = f"fixture {fixturedef.argname}"
        self.coverage.switch_context(self.context)
        try:
            return (yield)
        finally:
            took = time.perf_counter() - begin
            self.seconds[self.context] += took
            self.context = before
            self.seconds[before] -= took
            self.coverage.switch_context(before)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Keep which tests fail."""
        if report.failed:
            self.failed.add(report.nodeid)

    def run(self, items: Sequence[pytest.Item]) -> int:
        """Run tests until one fails; 1 if one does."""
        for item, following in zip(items, [*items[1:], None], strict=True):
            begin, self.context = time.perf_counter(), item.nodeid
            if self.coverage is not None:
                self.coverage.switch_context(item.nodeid)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            self.seconds[item.nodeid] += time.perf_counter() - begin
            if self.failed and self.coverage is None:
                return 1
        return 0

    def baseline(self, items: Sequence[pytest.Item], path: Path, out: Path) -> int:
        """Run tests without a mutant, and write which lines each executes and how long it takes."""
        self.coverage = coverage.Coverage(
            data_file=None, config_file=False, include=[str(p) for p in SOURCES]
        )
        self.coverage.start()
        self.run(items)
        self.coverage.stop()
        data = self.coverage.get_data()
        lines = {file: data.contexts_by_lineno(file) for file in data.measured_files()}
        passed = {name: took for name, took in self.seconds.items() if name not in self.failed}
        key = digest([path, *map(Path, lines)])
        made = {"key": key, "lines": lines, "seconds": passed}
        out.write_text(json.dumps(made))
        return 0

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """The whole work."""
        WORK.mkdir(exist_ok=True)
        by_file: dict[Path, list[pytest.Item]] = defaultdict(list)
        for item in session.items:
            by_file[item.path].append(item)
        covering: Lines = defaultdict(set)
        seconds: dict[str, float] = {}
        for source in SOURCES:  # so that forks have them, and torch
            importlib.import_module(".".join(source.relative_to(ROOT).with_suffix("").parts[1:]))
        for path, items in by_file.items():
            out = WORK / f"{path.parent.name}.{path.stem}.json"
            made = json.loads(out.read_text()) if out.exists() else {"lines": {}, "key": None}
            if made["key"] != digest([path, *map(Path, made["lines"])]):
                print(f"without mutants: {path.relative_to(ROOT)}", flush=True)
                if forked(lambda items=items, path=path, out=out: self.baseline(items, path, out), 1800):  # type: ignore[misc]
                    raise SystemExit(f"{path}: the tests did not end")
                made = json.loads(out.read_text())
            seconds |= made["seconds"]
            for file, lines in made["lines"].items():
                for line, contexts in lines.items():
                    covering[file, int(line)].update(contexts)
        self.go(session.items, covering, seconds)
        return True

    def go(self, items: Sequence[pytest.Item], covering: Lines, seconds: dict[str, float]) -> None:
        """Try the mutants that are due."""
        tests = digest({item.path for item in items})
        log = WORK / "results.jsonl"
        results = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        known = {(r["mutant"], r["source"]): r for r in results}
        chosen = []
        for path in SOURCES:
            of_file = [(path, digest([path]), *each) for each in mutants(path)]
            random.Random(f"{self.seed} {path.name}").shuffle(of_file)
            chosen.append([each for each in of_file if self.only in str(path)])
        turns = [each for turn in zip_longest(*chosen) for each in turn if each][: self.sample]
        with log.open("a") as file:
            for number, (path, source, name, lines, code) in enumerate(turns, 1):
                before = known.get((name, source), {"result": "", "tests": ""})
                if before["result"] in NOTICED or before["tests"] == tests:
                    continue
                contexts = set().union(*(covering[str(path), line] for line in lines))
                picked, total = self.pick(items, contexts, seconds)

                def work(path: Path = path, code: Any = code, picked: Any = picked) -> int:
                    patch(path, code())
                    return self.run(picked)

                status = forked(work, 60 + 10 * total) if picked else None
                result = {0: "survived", None: "not executed", -signal.SIGALRM: "out of time"}.get(
                    status, "killed"
                )
                line = {"mutant": name, "result": result, "source": source, "tests": tests}
                known[name, source] = line
                print(json.dumps(line), file=file, flush=True)
                print(f"{number}/{len(turns)} {result} {len(picked)} tests {status}: {name}", flush=True)
        summarise(known)

    @staticmethod
    def pick(
        items: Sequence[pytest.Item], contexts: set[str], seconds: dict[str, float]
    ) -> tuple[list[pytest.Item], float]:
        """The quickest tests that execute a line, of `ENOUGH` seconds in all."""
        candidates = []
        for item in items:
            fixtures = {f"fixture {name}" for name in item.fixturenames} & seconds.keys()  # type: ignore[attr-defined]
            if item.nodeid in seconds and ({item.nodeid} | fixtures) & contexts:
                candidates.append((seconds[item.nodeid] + sum(seconds[f] for f in fixtures), item, fixtures))
        picked: list[pytest.Item] = []
        total, ready = 0.0, set[str]()
        for _, item, fixtures in sorted(candidates, key=lambda each: each[0]):
            total += seconds[item.nodeid] + sum(seconds[f] for f in fixtures - ready)
            if picked and total > ENOUGH:
                break
            ready |= fixtures
            picked.append(item)
        return picked, total


def summarise(known: dict[tuple[str, str], dict[str, str]]) -> None:
    """Write the figures of each file, and the survivors with the reasons that were there."""
    old = json.loads(SUMMARY.read_text()) if SUMMARY.exists() else {"survivors": {}}
    table, survivors = {}, {}
    for path in SOURCES:
        source = digest([path])
        names = [name for name, _, _ in mutants(path)]
        tried = {name: known[name, source]["result"] for name in names if (name, source) in known}
        killed = sum(result in NOTICED for result in tried.values())
        if names:
            table[str(path.relative_to(ROOT))] = {
                "mutants": len(names),
                "tried": len(tried),
                "killed": killed,
            }
        survivors |= {n: old["survivors"].get(n, "") for n, result in tried.items() if result not in NOTICED}
    figures = Counter[str]()
    for row in table.values():
        figures.update(row)
    SUMMARY.write_text(json.dumps({"all": figures, "files": table, "survivors": survivors}, indent=1) + "\n")
    print(f"{figures['killed']} killed of {figures['tried']} tried of {figures['mutants']}: {SUMMARY}")


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutants", description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", metavar="TEXT", help="files whose path has this in it")
    parser.add_argument("--sample", type=int, metavar="N", help="so many mutants, evenly of all files")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    given = parser.parse_args()
    os.chdir(ROOT)
    options = ["-q", "-n", "0", "-p", "no:cacheprovider", "--capture=no", "-k", f"not ({LEFT_OUT})", *TESTS]
    raise SystemExit(pytest.main(options, plugins=[Runner(given.only, given.sample, given.seed)]))


if __name__ == "__main__":
    main()
