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
from zoo.data.images import ImageSet
from zoo.data.source import open_dataset
from zoo.training.batches import Batches
from zoo.training.learner import Learner
from zoo.training.schedule import constant
from zoo_plugins.tasks.match import retrieval
from zoo_plugins.tasks.mismatch import mismatched
from zoo_registry import Recipe, ZooError, catalogue
from zoo_registry.contracts import Generated, Round, Text, TextSource

MAIN = [change for change in TINY_CHANGES if not change.startswith("pretrain.")]


def gan(*changes: str) -> tuple[Learner, Batches]:
    recipe = Recipe.read("attngan-aviary", catalogue(), [*MAIN, *changes])
    dataset = open_dataset("aviary:40", catalogue(), resolution=38)
    records = dataset.records("train")
    images = ImageSet(records, resolution=32, fingerprint=dataset.fingerprint())
    parts = assemble(recipe, TextSource(captions=[c for r in records for c in r.captions]))
    plan = constant(32, len(images), 8)
    return Learner(recipe, parts, PartialState(cpu=True), plan), Batches(images, plan, seed=0)


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


def test_the_generators_step_leaves_no_gradient_in_the_discriminator(monkeypatch: pytest.MonkeyPatch) -> None:
    task, batches = gan()
    seen: dict[str, list[torch.Tensor]] = {}

    def gradients() -> list[torch.Tensor]:
        return [p.grad.clone() for p in task.parts.discriminator.parameters() if p.grad is not None]

    updated = task.task.updated

    def note(phase: str, step: int) -> None:
        seen[phase] = gradients()
        updated(phase, step)

    monkeypatch.setattr(task.task, "updated", note)
    terms = task.step(batches[0], 0)
    assert seen["discriminator"]
    assert all(torch.equal(a, b) for a, b in zip(seen["discriminator"], seen["generator"], strict=True))
    assert all(p.requires_grad for p in task.parts.discriminator.parameters()), "and it can learn again"
    assert {"discriminator/adversarial/16", "generator/adversarial/32", "generator/kl"} <= set(terms)


def test_plugins_observe_a_step_s_round_and_all_its_terms() -> None:
    task, batches = gan()
    seen: dict[str, Any] = {}

    class Watch:
        @zoo.hookimpl
        def zoo_step(self, round: Round, terms: Any, step: int) -> None:
            seen.update(images=round.generated.images, terms=set(terms), step=step)

    watch = Watch()
    catalogue().manager.register(watch)
    try:
        terms = task.step(batches[3], 3)
    finally:
        catalogue().manager.unregister(watch)
    assert seen["terms"] == set(terms)
    assert seen["step"] == 3
    assert [image.shape[-1] for image in seen["images"]] == [16, 32]


def test_the_average_follows_parameters_and_buffers() -> None:
    task, batches = gan("train.ema=0.5")
    states = []
    for step in range(3):
        task.step(batches[step], step)
        states.append({n: t.clone() for n, t in task.parts.generator.state_dict().items()})
    averaged = task.model(2).generator.state_dict()
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
    cut = Round(generated=Generated((image,)), text=text).detach()
    assert not cut.generated.images[0].requires_grad
    assert not cut.text.sentence.requires_grad


SENTENCES = torch.randn(6, 4, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("strategy", ["nearest", "shift", "roll", "permute", "other-class", "retry-once"])
def test_mismatched_pairs_never_match(strategy: str) -> None:
    labels = torch.tensor([0, 0, 1, 1, 2, 0])
    for seed in range(20):
        pairs = mismatched(strategy, 6, labels, torch.Generator().manual_seed(seed), SENTENCES[:6])
        assert pairs is not None
        assert (pairs[0] != pairs[1]).all()
        if strategy in ("other-class", "nearest"):
            assert (labels[pairs[0]] != labels[pairs[1]]).all()


def test_the_nearest_sentence_is_the_most_similar_of_another_class() -> None:
    offset = torch.tensor([9.0, 0.0])  # what all sentences share counts for nothing
    sentences = offset + torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.9, 0.4], [-1.0, 0.0], [-1.0, -0.5]])
    pairs = mismatched("nearest", 5, torch.tensor([0, 0, 1, 1, 2]), torch.Generator(), sentences)
    assert pairs is not None
    assert pairs[0].tolist() == [0, 1, 2, 3, 4]
    assert pairs[1].tolist() == [2, 2, 1, 4, 3]
    unlabelled = mismatched("nearest", 5, None, torch.Generator(), sentences)
    assert unlabelled is not None
    assert unlabelled[1].tolist() == [1, 0, 1, 4, 3]


def test_other_class_falls_back_where_a_batch_has_one_class() -> None:
    pairs = mismatched(
        "other-class", 4, torch.zeros(4, dtype=torch.int64), torch.Generator().manual_seed(0), SENTENCES[:4]
    )
    assert pairs is not None
    assert (pairs[0] != pairs[1]).all()
    assert mismatched("shift", 1, None, torch.Generator(), SENTENCES[:1]) is None


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
    with pytest.raises(ZooError, match=r"is nan.* at step 2"):
        zoo.train("attngan-aviary", "aviary:40", tmp_path / "run", changes=changes, device="cpu", quiet=True)


def test_a_set_without_a_test_split_holds_out_every_tenth_image(tmp_path: Path) -> None:
    from zoo.data.make import make

    make(open_dataset("aviary:60", catalogue(), resolution=38), tmp_path / "birds")
    changes = [c.removeprefix("pretrain.") for c in TINY_CHANGES if c.startswith("pretrain.")]
    folder = tmp_path / "birds/train"
    source = f"folder:{folder}"
    run = zoo.train("damsm-aviary", source, tmp_path / "run", changes=changes, device="cpu", quiet=True)
    assert '"images": 43' in (run / "environment.json").read_text()  # of 48


def test_mismatches_of_the_originals_can_be_right_pairs() -> None:
    """Their faults: T2F's shuffle keeps some sentences in place, StackGAN++ looks for another class twice."""
    labels = torch.tensor([0, 0, 0, 0, 0, 1])
    own, same_class = 0, 0
    for seed in range(50):
        shuffled = mismatched("shuffle", 6, labels, torch.Generator().manual_seed(seed), SENTENCES[:6])
        retried = mismatched("retry-once", 6, labels, torch.Generator().manual_seed(seed), SENTENCES[:6])
        assert shuffled is not None
        assert retried is not None
        own += int((shuffled[0] == shuffled[1]).sum())
        same_class += int((labels[retried[0]] == labels[retried[1]]).sum())
    assert own > 0
    assert same_class > 0


def test_gan_int_generates_from_midpoints_which_the_discriminator_does_not_learn_from() -> None:
    seen: dict[str, Any] = {}

    class Look:
        def generator(self, round: Round) -> dict[str, torch.Tensor]:
            seen["generator"] = round
            return {"none": round.generated.images[0].sum()}

        def discriminator(self, round: Round) -> dict[str, torch.Tensor]:
            seen["discriminator"] = round
            return {"none": round.real_features[0].sum()}

    task, batches = gan("train.interpolate=0.25", "text_encoder.dropout=0")
    task.parts.losses = (Look(), *task.parts.losses[1:])
    task.parts.losses = task.parts.losses[:1]
    task.setup.choices = task.setup.choices[:1]
    task.step(batches[0], 0)
    generated, judged = seen["generator"], seen["discriminator"]
    assert len(generated.text.sentence) == 12
    assert torch.allclose(
        generated.text.sentence[8:],
        0.25 * generated.text.sentence[:4] + 0.75 * generated.text.sentence[4:8],
        atol=1e-6,
    )
    assert len(generated.generated.images[-1]) == len(generated.real[-1]) == len(generated.sentence) == 12
    assert len(judged.generated.images[-1]) == len(judged.real[-1]) == len(judged.sentence) == 8


def test_midpoints_are_classes_of_their_own() -> None:
    task, batches = gan("train.interpolate=0.25")
    assert "damsm" in task.setup.losses, "which compares labels with all generated images"
    terms = task.step(batches[0], 0)
    assert all(math.isfinite(float(term)) for term in terms.values())
    labels = task.task._round(batches[0][0], 0, ()).labels
    assert labels is not None
    assert torch.equal(labels[:8], batches[0][0].labels)
    assert len(set(labels[8:].tolist()) - set(labels[:8].tolist())) == 4


def test_a_discriminator_reads_the_mean_where_the_recipe_says_so() -> None:
    task, batches = gan("train.reads=mean")
    round = task.task._round(batches[0][0], 0, ())
    assert round.condition is not None
    assert round.sentence is round.condition.mean
    assert gan()[0].task._round(batches[0][0], 0, ()).sentence.shape[1] == 16
    task.step(batches[0], 0)


def test_rates_decay_by_epochs() -> None:
    task, batches = gan("train.lr_decay=0.5", "train.lr_decay_epochs=2", "train.generator_lr=8e-4")
    epoch = task.schedule.segments[0].epoch
    rates = []
    for step in (0, 2 * epoch - 1, 2 * epoch, 4 * epoch):
        task.step(batches[step], step)
        rates.append(task.optimisers["generator"].param_groups[0]["lr"])
    assert rates == [8e-4, 8e-4, 4e-4, 2e-4]


def test_a_loss_follows_its_schedule() -> None:
    recipe = Recipe.read(
        "attngan-aviary", catalogue(), [*MAIN, "losses.kl.weight=[[0, 0], [10, 5], [20, 1]]"]
    )
    kl = next(choice for choice in recipe.losses if choice.component.name == "kl")
    assert [kl.weight(step) for step in (0, 5, 10, 15, 20, 99)] == [0, 2.5, 5, 3, 1, 1]
    task, batches = gan("losses.kl.weight=[[0, 0], [2, 1]]")
    assert "generator/kl" not in task.step(batches[0], 0), "what weighs nothing is not computed"
    assert "generator/kl" in task.step(batches[1], 1)


def test_live_weights_overwritten_by_their_average() -> None:
    """StackGAN++'s fault: after saving, training goes on from the average."""

    def weights(overwrites: str | None) -> list[torch.Tensor]:
        task, batches = gan("train.ema=0.9", *([f"train.ema_overwrites={overwrites}"] if overwrites else []))
        for step in range(2):
            task.step(batches[step], step)
        average = task.model(1).generator.state_dict()["first.fc.0.weight"]
        return [task.parts.generator.state_dict()["first.fc.0.weight"], average]

    live, average = weights(None)
    assert not torch.equal(live, average)
    live, average = weights("2")
    assert torch.equal(live, average)


def test_an_augmentation_adapts_and_what_it_learnt_is_saved() -> None:
    change = 'augmentations=[{use="ada", kimg=0.1}]'
    task, batches = gan(change)
    (ada,) = task.parts.augmentations
    ada.p.fill_(0.5)
    task.step(batches[0], 0)
    assert float(ada.p) != 0.5
    again, _ = gan(change)
    again.load_state_dict(task.state_dict())
    assert torch.equal(again.parts.augmentations[0].p, ada.p)
