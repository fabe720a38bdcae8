"""The plain port computes what ours computes, and the printed table is what was measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from benchmarks import __main__ as command
from benchmarks import attngan, iteration, table
from benchmarks.timing import PLAIN, Setting, rows

QUICK = Setting(torch.device("cpu"), quick=True)


def test_terms_of_the_port() -> None:
    ours, plain = iteration.pair(QUICK)
    apart = iteration.equality(ours, plain, attngan.batch(ours.parts.generator.spec.resolutions[-1]))
    kinds = {name.split("/")[1] for name in apart if name.startswith("generator/")}
    assert kinds == {"adversarial", "damsm", "kl"}
    assert [name for name in apart if name.startswith("discriminator/")] == [
        f"discriminator/adversarial/{resolution}" for resolution in ours.parts.generator.spec.resolutions
    ]


def test_gradients_of_the_port() -> None:
    """Adam's first step is the gradient's sign, which rounding may turn: discriminators hardly move here."""
    ours, plain = iteration.pair(QUICK, ["train.discriminator_lr=1e-12"])
    iteration.equality(ours, plain, attngan.batch(ours.parts.generator.spec.resolutions[-1]))
    mine = [
        p.grad for module in ("conditioning", "generator") for p in ours.parts.modules[module].parameters()
    ]
    theirs = [p.grad for p in plain.generator.parameters()]
    for one, other in zip(mine, theirs, strict=True):
        assert one is not None
        assert other is not None
        torch.testing.assert_close(one.view_as(other), other, rtol=0, atol=1e-3 * float(other.abs().max()))


def test_other_numbers_are_refused() -> None:
    ours, plain = iteration.pair(QUICK)
    with torch.no_grad():
        plain.generator.get_parameter("later.0.attention.project.weight").mul_(1.1)
    with pytest.raises(AssertionError, match="plain port"):
        iteration.equality(ours, plain, attngan.batch(ours.parts.generator.spec.resolutions[-1]))


def test_ratio_is_of_medians() -> None:
    plain, ours = rows({PLAIN: [3.0, 2.0, 10.0], "ours": [1.0, 2.0, 9.0]}, images=8)
    assert (plain.ratio, ours.ratio) == (1.0, 1.5)
    assert (ours.median, ours.min, ours.max, ours.repeats) == (2.0, 1.0, 9.0, 3)
    assert rows({"alone": [1.0]})[0].ratio is None


def test_table_is_what_was_measured() -> None:
    page = table.README.read_text(encoding="utf-8")
    results = json.loads(table.RESULTS.read_text(encoding="utf-8"))
    assert page == table.written(page, table.table(results)), "run: python -m benchmarks --table"
    assert set(results["measurements"]) <= set(command.NAMES)


def test_one_measurement_keeps_the_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "results.json"
    command.main(["--quick", "--only", "words", "--only", "sampling-1", "--out", str(out)])
    first = json.loads(out.read_text())
    command.main(["--quick", "--only", "cache", "--only", "loader", "--out", str(out)])
    both = json.loads(out.read_text())
    assert list(both["measurements"]) == ["words", "sampling-1", "cache", "loader"]
    assert both["measurements"]["words"] == first["measurements"]["words"]
    assert both["machine"]["torch"] == torch.__version__
    assert table.table(both) in capsys.readouterr().out
    out.write_text(json.dumps(both | {"machine": both["machine"] | {"cpu": "another"}}))
    command.main(["--quick", "--only", "cache", "--out", str(out)])
    assert list(json.loads(out.read_text())["measurements"]) == ["cache"]
