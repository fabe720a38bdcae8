"""`python -m benchmarks.mutants`: put small bugs into the code, one at a time; count those that tests notice.

Each mutant changes one operator, number, truth value or condition in a function's body, or removes one
statement. The tests that execute the changed line run on it, quickest first, until one fails. Module level,
defaults, messages, assertions and `strict` of zip are left alone.

mutmut 3 knows one source root, the repository's or `src`, and there are three here; cosmic-ray starts a
process per mutant, which imports torch and trains anew what tests share. Here one process imports everything
and collects the tests; each mutant is a fork of it in which functions get their mutated code. Processes that
tests start run the code without it.

Results are lines of .mutants/results.jsonl: an interrupted run goes on where it stopped. A mutant is
tried again when its file changed or, if it survived, when the tests changed; one that was killed counts as
killed until then, even where a test was weakened. At the end mutants.json has the figures of each file with
the hash of the file that they are of, and the survivors with the reasons written beside them. A file that has
no results here keeps its figures, and is reported where its hash is another by now.

With --control the same tests run on the code without mutants: all have to pass, or "killed" means nothing.
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
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

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
PARTS = (
    "adversarial clip_similarity conditioning contrastive damsm joint_stages pointwise regularisers sje style"
)
TRAINING = "tasks phases originals growth classes mismatch schedule checkpoints validation"
TESTS = (
    "tests/recipes",
    "tests/contracts/test_tasks.py",
    *(f"tests/parts/test_{name}.py" for name in PARTS.split()),
    *(f"tests/train/test_{name}.py" for name in TRAINING.split()),
)
LEFT_OUT = "killed_in or resume or half_grown"  # they train whole runs, too slow for every mutant
NOTICED = ("killed", "out of time")
BUDGET = 30.0  # seconds of tests per mutant, as long as they took without it
SWAPS: dict[type, type] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or,
    ast.Or: ast.And, ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.USub: ast.UAdd, ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}  # fmt: skip
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}
PATHS = {"path", "folder", "beside", "base"}  # their / joins paths
LEFT_ALONE = ast.JoinedStr | ast.Assert | ast.arguments | ast.Raise
FAULT = 3  # exit status of a fork that failed outside its tests


class Edit(NamedTuple):
    """One way to change a syntax tree: set an attribute of a node."""

    node: Any
    attribute: str
    value: Any
    words: str
    changed: Any  # the node whose lines the edit changes


class Mutant(NamedTuple):
    """One bug in a file."""

    path: Path
    name: str
    lines: set[int]  # changed by it
    number: int  # of its edit in the file

    def code(self) -> types.CodeType:
        """The file's code with the bug."""
        tree = ast.parse(self.path.read_text(encoding="utf-8"))
        edit = edits_of_file(tree)[self.number][1]
        setattr(edit.node, edit.attribute, edit.value)
        return compile(ast.fix_missing_locations(tree), str(self.path), "exec")


def edits(node: Any) -> Iterator[Edit]:
    """The ways to change a node."""
    match node:
        case ast.Compare():
            for i, old in enumerate(node.ops):
                new = SWAPS[type(old)]
                operators = [*node.ops[:i], new(), *node.ops[i + 1 :]]
                yield Edit(node, "ops", operators, f"{type(old).__name__} to {new.__name__}", node)
        case ast.UnaryOp(op=ast.Not()):
            yield Edit(node, "operand", ast.UnaryOp(ast.Not(), node.operand), "Not removed", node)
        case ast.BinOp(left=left, op=ast.Div()) if ast.unparse(left).split(".")[-1] in PATHS:
            pass
        case ast.BinOp() | ast.AugAssign() | ast.BoolOp() | ast.UnaryOp() if type(node.op) in SWAPS:
            new = SWAPS[type(node.op)]
            yield Edit(node, "op", new(), f"{type(node.op).__name__} to {new.__name__}", node)
        case ast.Constant(value=bool() as value):
            yield Edit(node, "value", not value, f"{value} to {not value}", node)
        case ast.Constant(value=int() | float() as value):
            yield Edit(node, "value", value + 1, f"{value} to {value + 1}", node)
        case ast.Name(id=name) if name in NAMES:
            yield Edit(node, "id", NAMES[name], f"{name} to {NAMES[name]}", node)
    test = getattr(node, "test", None)
    if isinstance(test, ast.Name | ast.Attribute | ast.Call):
        yield Edit(node, "test", ast.UnaryOp(ast.Not(), test), "condition negated", test)
    for field in ("body", "orelse", "finalbody"):
        block = getattr(node, field, ())
        for i, line in enumerate(block if isinstance(block, list) else ()):
            stores = isinstance(line, ast.Assign) and not isinstance(line.targets[0], ast.Name | ast.Tuple)
            calls = isinstance(line, ast.Expr) and not isinstance(line.value, ast.Constant)
            if stores or calls or isinstance(line, ast.AugAssign | ast.Raise | ast.Continue | ast.Break):
                # under `if False`: without the line, a local variable could become a global one
                never = ast.copy_location(ast.If(ast.Constant(False), [line], []), line)
                yield Edit(node, field, [*block[:i], never, *block[i + 1 :]], "removed", line)


def nodes_of_functions(
    node: ast.AST, function: str = "", within: bool = False
) -> Iterator[tuple[str, ast.AST]]:
    """The nodes of all functions' bodies, in order, each with its function's name."""
    if isinstance(node, LEFT_ALONE) or (isinstance(node, ast.keyword) and node.arg == "strict"):
        return
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        function, within = f"{function}.{node.name}".strip("."), isinstance(node, ast.FunctionDef)
    if within:
        yield function, node
    for field, value in ast.iter_fields(node):
        if field not in ("annotation", "returns", "decorator_list"):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from nodes_of_functions(child, function, within)


def edits_of_file(tree: ast.AST) -> list[tuple[str, Edit]]:
    """The edits of all functions' bodies, in order, each with its function's name."""
    return [(function, edit) for function, node in nodes_of_functions(tree) for edit in edits(node)]


def mutants(path: Path) -> Iterator[Mutant]:
    """Every mutant of a file."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    statements = [node for node in ast.walk(tree) if isinstance(node, ast.stmt)]
    counts: Counter[str] = Counter()
    for number, (function, edit) in enumerate(edits_of_file(tree)):
        first, last = edit.changed.lineno, edit.changed.end_lineno
        around = max(s.lineno for s in statements if s.lineno <= first and last <= (s.end_lineno or 0))
        name = f"{path.name} {function}: {edit.words} in `{text.splitlines()[first - 1].strip()}`"
        counts[name] += 1
        nth = f" ({counts[name]})" if counts[name] > 1 else ""
        yield Mutant(path, name + nth, {around, *range(first, last + 1)}, number)


def patch(path: Path, code: types.CodeType) -> None:
    """Give the functions of an imported file the code of the same functions in `code`."""
    new: dict[tuple[str, int], types.CodeType] = {}
    pending = [code]
    while pending:
        current = pending.pop()
        new[current.co_qualname, current.co_firstlineno] = current
        pending += [c for c in current.co_consts if isinstance(c, types.CodeType)]
    functions = [f for f in gc.get_objects() if type(f) is types.FunctionType]
    for function in functions:
        old = function.__code__
        if old.co_filename == str(path):
            function.__code__ = new[old.co_qualname, old.co_firstlineno]


def forked(work: Callable[[], int], limit: float) -> int:
    """What `work` returns in its own process; `FAULT` where it raises, -SIGALRM after `limit` seconds."""
    with tempfile.TemporaryDirectory() as temporary:
        child = os.fork()
        if not child:
            status = FAULT
            try:
                os.setpgid(0, 0)
                signal.alarm(round(limit))
                os.environ["PYTEST_DEBUG_TEMPROOT"] = temporary
                null = os.open(os.devnull, os.O_RDWR)
                for stream in (0, 1, 2):
                    os.dup2(null, stream)
                status = work()
            finally:
                os._exit(status)
        try:
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        finally:
            with suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)  # what a test started and left


def digest(paths: Iterable[Path]) -> str:
    """A hash of the contents of files."""
    contents = b"".join(path.read_bytes() for path in sorted(paths) if path.exists())
    return hashlib.sha256(contents).hexdigest()[:16]


class Runner:
    """A pytest plugin that runs the collected tests on mutants, instead of once."""

    def __init__(self, only: str, sample: int | None, seed: int, control: bool) -> None:
        self.only, self.sample, self.seed, self.control = only, sample, seed, control
        self.coverage: coverage.Coverage | None = None
        self.context, self.failed = "", set[str]()
        self.seconds: dict[str, float] = defaultdict(float)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Any:
        """Record a shared fixture's lines and seconds as its own: it counts for every test that uses it."""
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

    def run(self, items: Sequence[pytest.Function]) -> int:
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

    def baseline(self, items: Sequence[pytest.Function], path: Path, out: Path) -> int:
        """Run a file's tests without a mutant; write which lines each executes and how long it takes."""
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
        out.write_text(json.dumps({"key": key, "lines": lines, "seconds": passed}))
        return 0

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Measure which tests execute which lines, then try the mutants."""
        WORK.mkdir(exist_ok=True)
        tests = [item for item in session.items if isinstance(item, pytest.Function)]
        by_file: dict[Path, list[pytest.Function]] = defaultdict(list)
        for item in tests:
            by_file[item.path].append(item)
        contexts: dict[tuple[str, int], set[str]] = defaultdict(set)
        seconds: dict[str, float] = {}
        for source in SOURCES:  # before the forks, which then share them and torch
            importlib.import_module(".".join(source.relative_to(ROOT).with_suffix("").parts[1:]))
        for path, items in by_file.items():
            out = WORK / f"{path.parent.name}.{path.stem}.json"
            measured = json.loads(out.read_text()) if out.exists() else {"lines": {}, "key": None}
            if measured["key"] != digest([path, *map(Path, measured["lines"])]):
                print(f"without mutants: {path.relative_to(ROOT)}", flush=True)
                if forked(partial(self.baseline, items, path, out), 1800):
                    raise SystemExit(f"{path}: the tests did not end")
                measured = json.loads(out.read_text())
            seconds |= measured["seconds"]
            for file, lines in measured["lines"].items():
                for line, names in lines.items():
                    contexts[file, int(line)].update(names)

        def pick(mutant: Mutant) -> tuple[list[pytest.Function], float]:
            executing = set().union(*(contexts[str(mutant.path), line] for line in mutant.lines))
            return quickest(tests, executing, seconds)

        if self.control:
            self.run_control(pick)
        else:
            self.run_mutants(pick, digest({item.path for item in tests}))
        return True

    def chosen(self) -> list[Mutant]:
        """The mutants that the command line asks for, of all files in turn."""
        shuffled = []
        for path in SOURCES:
            if self.only in str(path.relative_to(ROOT)):
                of_file = list(mutants(path))
                random.Random(f"{self.seed} {path.name}").shuffle(of_file)
                shuffled.append(of_file)
        return [mutant for turn in zip_longest(*shuffled) for mutant in turn if mutant][: self.sample]

    def run_control(self, pick: Callable[[Mutant], tuple[list[pytest.Function], float]]) -> None:
        """Run the tests of the chosen mutants on the code as it is, patched in as a mutant's would be."""
        chosen, failures = self.chosen(), 0
        for number, mutant in enumerate(chosen, 1):
            picked, total = pick(mutant)
            code = compile(mutant.path.read_text(encoding="utf-8"), str(mutant.path), "exec")
            status = forked(partial(self.try_code, mutant.path, code, picked), 60 + 10 * total)
            failures += status != 0
            print(
                f"{number}/{len(chosen)} {'FAILED' if status else 'passed'} {len(picked)} tests", flush=True
            )
        print(f"control: {failures} of {len(chosen)} failed without a mutant", flush=True)
        if failures:
            raise SystemExit(1)

    def try_code(self, path: Path, code: types.CodeType, items: Sequence[pytest.Function]) -> int:
        """Run tests on a file's functions with other code; 1 if one fails."""
        patch(path, code)
        try:
            return self.run(items)
        except (KeyboardInterrupt, SystemExit, pytest.exit.Exception):  # pytest lets these through
            return 1

    def run_mutants(self, pick: Callable[[Mutant], tuple[list[pytest.Function], float]], tests: str) -> None:
        """Try the chosen mutants that have no result for this code and these tests."""
        log = WORK / "results.jsonl"
        results = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        known = {(r["mutant"], r["source"]): r for r in results}
        sources = {path: digest([path]) for path in SOURCES}
        chosen = self.chosen()
        with log.open("a") as file:
            for number, mutant in enumerate(chosen, 1):
                key = mutant.name, sources[mutant.path]
                before = known.get(key, {"result": "", "tests": ""})
                if before["result"] in NOTICED or before["tests"] == tests:
                    continue
                picked, total = pick(mutant)
                status = None
                if picked:
                    work = partial(self.try_code, mutant.path, mutant.code(), picked)
                    status = forked(work, 60 + 10 * total)
                if status == FAULT:
                    raise SystemExit(f"{mutant.name}: could not be tried")
                result = {None: "not executed", 0: "survived", -signal.SIGALRM: "out of time"}.get(
                    status, "killed"
                )
                known[key] = {"mutant": mutant.name, "result": result, "source": key[1], "tests": tests}
                print(json.dumps(known[key]), file=file, flush=True)
                print(f"{number}/{len(chosen)} {result}, {len(picked)} tests: {mutant.name}", flush=True)
        summarise({key: result["result"] for key, result in known.items()})


def quickest(
    items: Sequence[pytest.Function], executing: set[str], seconds: dict[str, float]
) -> tuple[list[pytest.Function], float]:
    """The quickest of the tests that execute a line, of `BUDGET` seconds in all, and their seconds.

    executing: the tests and fixtures that do; seconds: of each test and fixture that passes.
    """
    candidates = []
    for item in items:
        fixtures = {f"fixture {name}" for name in item.fixturenames} & seconds.keys()
        if item.nodeid in seconds and ({item.nodeid} | fixtures) & executing:
            candidates.append((seconds[item.nodeid] + sum(seconds[f] for f in fixtures), item, fixtures))
    picked: list[pytest.Function] = []
    total, ready = 0.0, set[str]()
    for _, item, fixtures in sorted(candidates, key=lambda candidate: candidate[0]):
        total += seconds[item.nodeid] + sum(seconds[f] for f in fixtures - ready)
        if picked and total > BUDGET:
            break
        ready |= fixtures
        picked.append(item)
    return picked, total


def summarise(known: dict[tuple[str, str], str], summary: Path = SUMMARY) -> None:
    """Write the figures and survivors of each file.

    known: results by mutant and hash of its file. A survivor keeps the reason that was written beside it; a
    file without results keeps its row, which is reported where it is of another version of the file.
    """
    old = json.loads(summary.read_text())["files"] if summary.exists() else {}
    files: dict[str, dict[str, Any]] = {}
    changed = []
    for path in SOURCES:
        file, source = str(path.relative_to(ROOT)), digest([path])
        before = old.get(file, {"survivors": {}})
        names = [mutant.name for mutant in mutants(path)]
        tried = {name: known[name, source] for name in names if (name, source) in known}
        if tried:
            files[file] = {
                "source": source,
                "mutants": len(names),
                "tried": len(tried),
                "killed": sum(result in NOTICED for result in tried.values()),
                "survivors": {
                    name: before["survivors"].get(name, "")
                    for name, result in tried.items()
                    if result not in NOTICED
                },
            }
        elif "source" in before:
            files[file] = before
            if before["source"] != source:
                changed.append(file)
    figures = {key: sum(row[key] for row in files.values()) for key in ("mutants", "tried", "killed")}
    summary.write_text(json.dumps({"all": figures, "files": files}, indent=1) + "\n")
    print(f"{figures['killed']} killed of {figures['tried']} tried of {figures['mutants']}: {summary}")
    for file in changed:
        print(f"{file} changed since its mutants were tried")


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutants", description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", metavar="TEXT", help="files whose path has this in it")
    parser.add_argument("--sample", type=int, metavar="N", help="so many mutants, evenly of all files")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("--control", action="store_true", help="the same tests without mutants")
    given = parser.parse_args()
    os.chdir(ROOT)
    options = ["-q", "-n", "0", "-p", "no:cacheprovider", "--capture=no", "-k", f"not ({LEFT_OUT})", *TESTS]
    runner = Runner(given.only, given.sample, given.seed, given.control)
    raise SystemExit(pytest.main(options, plugins=[runner]))


if __name__ == "__main__":
    main()
