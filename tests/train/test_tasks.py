"""What one training step does, seen from outside."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import PartialState
from tiny import TINY_CHANGES

import zoo
from zoo.assemble import assemble
from zoo.data.pictures import Batches, Pictures
from zoo.data.source import open_dataset
from zoo.tasks.gan import GanTask, mismatched
from zoo.tasks.match import retrieval
from zoo_registry import Recipe, ZooError, catalogue
from zoo_registry.contracts import Drawing, Round, Text, TextSource

MAIN = [change for change in TINY_CHANGES if not change.startswith("pretrain.")]


def gan(*changes: str) -> tuple[GanTask, Batches]:
    recipe = Recipe.read("attngan-aviary", catalogue(), [*MAIN, *changes])
    dataset = open_dataset("aviary:40", catalogue(), side=38)
    records = dataset.records("train")
    pictures = Pictures(records, side=32, fingerprint=dataset.fingerprint())
    parts = assemble(recipe, TextSource(captions=[c for r in records for c in r.captions]))
    return GanTask(recipe, parts, PartialState(cpu=True)), Batches(pictures, batch_size=8, seed=0)


def test_a_step_changes_what_learns_and_nothing_else() -> None:
    task, batches = gan()
    before = {k: {n: t.clone() for n, t in m.state_dict().items()} for k, m in task.parts.modules.items()}
    task.step(batches[0], 0)
    changed = {
        kind: any(not torch.equal(t, before[kind][n]) for n, t in module.state_dict().items())
        for kind, module in task.parts.modules.items()
    }
    frozen = {"text_encoder": False, "image_encoder": False}
    assert changed == {"conditioning": True, "generator": True, "discriminator": True} | frozen


def test_the_generators_step_leaves_no_gradient_in_the_discriminator() -> None:
    task, batches = gan()
    seen: dict[str, Any] = {}

    def gradients() -> list[torch.Tensor]:
        return [p.grad.clone() for p in task.parts.discriminator.parameters() if p.grad is not None]

    class Watch:
        @zoo.hookimpl
        def zoo_step(self, round: Round, terms: Any, step: int) -> None:
            seen["after its own step"] = gradients()
            seen["terms"] = set(terms)

    watch = Watch()
    catalogue().manager.register(watch)
    try:
        task.step(batches[0], 0)
    finally:
        catalogue().manager.unregister(watch)
    before = seen["after its own step"]
    assert before
    assert all(torch.equal(a, b) for a, b in zip(before, gradients(), strict=True))
    assert all(p.requires_grad for p in task.parts.discriminator.parameters()), "and it can learn again"
    assert {"discriminator/adversarial/16", "generator/adversarial/32", "generator/kl"} <= seen["terms"]


def test_the_average_follows_parameters_and_buffers() -> None:
    task, batches = gan("train.ema=0.5")
    states = []
    for step in range(3):
        task.step(batches[step], step)
        states.append({n: t.clone() for n, t in task.parts.generator.state_dict().items()})
    averaged = task.averaged().generator.state_dict()
    for name in ("first.fc.0.weight", "first.fc.1.running_mean"):
        wanted = 0.25 * states[0][name] + 0.25 * states[1][name] + 0.5 * states[2][name]
        assert torch.allclose(averaged[name], wanted, atol=1e-6), name


def test_bf16_trains_with_finite_losses_and_float32_weights() -> None:
    task, batches = gan("train.precision=bf16")
    terms = task.step(batches[0], 0)
    assert all(math.isfinite(float(term)) for term in terms.values())
    assert {p.dtype for p in task.parts.generator.parameters()} == {torch.float32}


def test_a_detached_round_leads_nowhere() -> None:
    image = torch.zeros(2, 3, 8, 8, requires_grad=True) * 1
    text = Text(torch.zeros(2, 4, requires_grad=True) * 1)
    cut = Round(drawing=Drawing((image,)), text=text).detach()
    assert not cut.drawing.images[0].requires_grad
    assert not cut.text.sentence.requires_grad


@pytest.mark.parametrize("strategy", ["shift", "permute", "other-class"])
def test_mismatched_pairs_never_match(strategy: str) -> None:
    labels = torch.tensor([0, 0, 1, 1, 2, 0])
    for seed in range(20):
        pairs = mismatched(strategy, 6, labels, torch.Generator().manual_seed(seed))
        assert pairs is not None
        assert (pairs[0] != pairs[1]).all()
        if strategy == "other-class":
            assert (labels[pairs[0]] != labels[pairs[1]]).all()


def test_other_class_falls_back_where_a_batch_has_one_class() -> None:
    pairs = mismatched("other-class", 4, torch.zeros(4, dtype=torch.int64), torch.Generator().manual_seed(0))
    assert pairs is not None
    assert (pairs[0] != pairs[1]).all()
    assert mismatched("shift", 1, None, torch.Generator()) is None


def test_retrieval_of_a_perfect_and_of_a_constant_matcher() -> None:
    vectors = torch.randn(50, 8, generator=torch.Generator().manual_seed(0))
    assert retrieval(vectors, vectors * 3)["retrieval/r1"] == 1
    assert retrieval(vectors, torch.ones(50, 8))["retrieval/text_r1"] == 0, "ties are missed"


def test_a_first_stage_that_does_not_fit_is_refused_before_training(tmp_path: Path) -> None:
    changes = [*TINY_CHANGES, "pretrain.text_encoder.word_width=9"]
    with pytest.raises(ZooError, match=r"text_encoder: .*\(\d+, 9\) there and \(\d+, 8\) here"):
        zoo.train("attngan-aviary", "aviary:40", tmp_path / "run", changes=changes, device="cpu", quiet=True)
    assert not (tmp_path / "run").exists()


def test_a_loss_that_is_not_finite_stops_with_advice(tmp_path: Path) -> None:
    changes = [*TINY_CHANGES, "train.generator_lr=1e30"]
    with pytest.raises(ZooError, match="is not finite at step"):
        zoo.train("attngan-aviary", "aviary:40", tmp_path / "run", changes=changes, device="cpu", quiet=True)


def test_a_set_without_a_test_split_holds_out_every_tenth_picture(tmp_path: Path) -> None:
    from zoo.data.make import make

    make(open_dataset("aviary:60", catalogue(), side=38), tmp_path / "birds")
    changes = [c.removeprefix("pretrain.") for c in TINY_CHANGES if c.startswith("pretrain.")]
    folder = tmp_path / "birds/train"
    source = f"folder:{folder}"
    run = zoo.train("damsm-aviary", source, tmp_path / "run", changes=changes, device="cpu", quiet=True)
    assert '"pictures": 43' in (run / "environment.json").read_text()  # of 48
