"""What the engine does with the phases of a task: precision, clipping, rates, repeats, lazy steps."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from learners import GAN, INVERT, MATCH, WITHOUT_TEXT, learner
from runs import KillAt, Killed, differing
from safetensors.torch import load_file
from tiny import TINY_CHANGES
from torch import nn

import zoo
from zoo.training import trainer
from zoo_registry import Recipe, RecipeError, ZooError, catalogue

TASKS = [
    ("attngan-aviary", GAN, "aviary:40", ("generator", "discriminator")),
    ("damsm-aviary", MATCH, "aviary:40", ("image_encoder",)),
    ("style-garden", INVERT, "garden:60", ("style_encoder",)),
]


@pytest.mark.parametrize("precision", ["bf16", "float32"])
@pytest.mark.parametrize(("recipe", "changes", "data", "places"), TASKS, ids=lambda value: str(value)[:12])
def test_convolutions_run_in_the_precision_of_the_recipe(
    recipe: str, changes: list[str], data: str, places: tuple[str, ...], precision: str
) -> None:
    task, batches = learner(recipe, *changes, f"train.precision={precision}", data=data)
    seen: dict[str, set[torch.dtype]] = {place: set() for place in places}
    for place in places:
        for module in task.parts.modules[place].modules():
            if isinstance(module, nn.Conv2d):
                module.register_forward_hook(lambda _, __, out, place=place: seen[place].add(out.dtype))
    task.step(batches[0], 0)
    expected = torch.bfloat16 if precision == "bf16" else torch.float32
    assert seen == {place: {expected} for place in places}


PROCESSES = """
import hashlib, sys
from zoo.training import learner, trainer

step = learner.Learner.step
def noting(self, batches, number):
    terms = step(self, batches, number)
    digest = hashlib.sha256()
    for place, module in sorted(self.parts.modules.items()):
        for parameter in module.parameters():
            digest.update(parameter.detach().numpy().tobytes())
    with open(f"{sys.argv[1]}/{self.state.process_index}", "a") as file:
        print(self.recipe.name, number, digest.hexdigest(), file=file)
    return terms
learner.Learner.step = noting
folder, *changes = sys.argv[1:]
trainer.train("attngan-aviary", "aviary:40", folder + "/run", changes=changes, device="cpu", quiet=True)
"""
"""Trains in each of several processes, which write down their weights after every step."""


def test_every_process_has_the_same_weights_after_every_step(tmp_path: Path) -> None:
    """Each learns from its own images and noise: only averaged gradients keep them together."""
    script = tmp_path / "train.py"
    script.write_text(PROCESSES)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    changes = [*TINY_CHANGES, "train.steps=2", "pretrain.train.steps=2"]
    result = subprocess.run(
        [*command, script, tmp_path, *changes], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    first, second = ((tmp_path / str(process)).read_text().splitlines() for process in (0, 1))
    assert len(first) == 4, "two steps of matching, two of the GAN"
    assert first == second
    assert len({line.split()[-1] for line in first}) == 4, "and they change"


def norm(module: nn.Module) -> float:
    gradients = [p.grad for p in module.parameters() if p.grad is not None]
    return float(torch.linalg.vector_norm(torch.stack([g.norm() for g in gradients])))


def test_the_matching_task_clips_the_text_encoder_alone() -> None:
    free, batches = learner("damsm-aviary", *MATCH, "train.clip=0")
    free.step(batches[0], 0)
    clipped, batches = learner("damsm-aviary", *MATCH, "train.clip=0.01")
    clipped.step(batches[0], 0)
    assert norm(free.parts.text_encoder) > 0.02
    assert norm(clipped.parts.text_encoder) == pytest.approx(0.01, rel=1e-3)
    assert norm(clipped.parts.image_encoder) == pytest.approx(norm(free.parts.image_encoder), rel=1e-5)


def test_the_matching_task_s_rate_falls_by_epochs_to_its_floor() -> None:
    settings = ("train.lr=1e-3", "train.lr_decay=0.5", "train.lr_floor=0.2")
    task, batches = learner("damsm-aviary", *MATCH, *settings)
    epoch = task.schedule.segments[0].epoch
    rates = []
    for step in (0, epoch - 1, epoch, 2 * epoch, 5 * epoch):
        task.step(batches[step], step)
        rates.append(task.optimisers["encoder"].param_groups[0]["lr"])
    assert rates == pytest.approx([1e-3, 1e-3, 5e-4, 2.5e-4, 2e-4])


# ----------------------------------------------------------------------------------------------------
# Several updates a step


def test_a_critic_learns_five_times_a_step_each_on_images_and_noise_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task, batches = learner(WITHOUT_TEXT, "train.critic_steps=5")
    assert [len(batches[step]) for step in (0, 1)] == [5, 5]
    assert task.images(0) == 5 * 4, "which the log's images/s count"
    seen: list[tuple[str, str, str]] = []
    total = task.setup.total

    def note(round: Any, player: str, losses: Any = None) -> Any:
        digests = (hashlib.sha256(t.numpy().tobytes()).hexdigest() for t in (round.noise, round.real[-1]))
        seen.append((player, *digests))
        return total(round, player, losses)

    monkeypatch.setattr(task.setup, "total", note)
    weights = [p.detach().clone() for p in task.parts.discriminator.parameters()]
    task.step(batches[0], 0)
    assert [player for player, *_ in seen] == ["discriminator"] * 5 + ["generator"]
    assert len({noise for _, noise, _ in seen}) == 6
    assert len({real for player, _, real in seen if player == "discriminator"}) == 5
    assert [taken(optimiser) for optimiser in task.optimisers.values()] == [5, 1]
    now = task.parts.discriminator.parameters()
    assert any(not torch.equal(a, b) for a, b in zip(weights, now, strict=True))


def test_an_epoch_has_each_image_once_however_many_batches_a_step_takes() -> None:
    task, batches = learner(WITHOUT_TEXT, "train.critic_steps=3", "train.growth=[{resolution=16}]")
    (segment,) = task.schedule.segments
    images = len(batches.image_set)
    assert segment.epoch == images // 12
    shown = [index for step in range(segment.epoch) for b in batches[step] for index in b.indices.tolist()]
    assert len(shown) == len(set(shown)) == 12 * segment.epoch


def test_too_few_images_for_a_step_of_several_batches() -> None:
    with pytest.raises(ZooError, match="batch_size is 4 and a step takes 20 batches, but there are 32"):
        learner(WITHOUT_TEXT, "train.critic_steps=20")


def killed_and_resumed(tmp_path: Path, *changes: str, steps: int) -> list[str]:
    """The tensors that differ between a run that was killed after some steps, and one that was not."""
    whole = zoo.train(WITHOUT_TEXT, "aviary:60", tmp_path / "a", changes=changes, device="cpu", quiet=True)
    killer = KillAt(steps)
    catalogue().manager.register(killer)
    try:
        with pytest.raises(Killed):
            zoo.train(WITHOUT_TEXT, "aviary:60", tmp_path / "b", changes=changes, device="cpu", quiet=True)
    finally:
        catalogue().manager.unregister(killer)
    trainer.resume(tmp_path / "b", device="cpu", quiet=True)
    ends = [
        load_file(max((run / "checkpoints").iterdir()) / "state.safetensors")
        for run in (whole, tmp_path / "b")
    ]
    apart = [name for name, tensor in ends[0].items() if not torch.equal(tensor, ends[1][name])]
    return [*apart, *differing(tmp_path / "b", whole)]


def test_a_critic_of_several_steps_resumes_bit_by_bit(tmp_path: Path) -> None:
    assert not killed_and_resumed(tmp_path, "train.critic_steps=5", steps=3)


# ----------------------------------------------------------------------------------------------------
# Lazy regularisation

LAZY = {
    **WITHOUT_TEXT,
    "losses": [{"use": "bce"}, {"use": "r1", "gamma": 1.0}],
    "train": {**WITHOUT_TEXT["train"], "growth": [{"resolution": 16}]},
}


def taken(optimiser: torch.optim.Optimizer) -> int:
    """The steps of an optimiser; a parameter that a loss does not reach has taken fewer."""
    return max(int(values["step"]) for values in optimiser.state_dict()["state"].values())


def test_lazy_losses_have_a_step_of_their_own_with_stylegan2_s_rates() -> None:
    settings = (
        'train.lazy={losses=["r1"], every=4}',
        "train.discriminator_lr=1e-3",
        "train.betas=[0.5, 0.9]",
    )
    task, batches = learner(LAZY, *settings)
    assert [phase.name for phase in task.task.phases] == ["discriminator", "regularisation", "generator"]
    assert list(task.optimisers) == ["discriminator", "generator"], "one Adam for both of its phases"
    (group,) = task.optimisers["discriminator"].param_groups
    assert group["betas"] == pytest.approx((0.5**0.8, 0.9**0.8))
    due = [task.step(batches[step], step) for step in range(5)]
    assert group["lr"] == pytest.approx(0.8e-3)
    regularised = [[name for name in terms if name.startswith("regularisation/r1")] for terms in due]
    assert [bool(names) for names in regularised] == [True, False, False, False, True]
    assert not any("discriminator/r1" in name for terms in due for name in terms), "there alone"
    assert taken(task.optimisers["discriminator"]) == 7, "five steps, and two of the penalty"


def test_lazy_losses_weigh_as_often_as_they_are_left_out() -> None:
    task, batches = learner(LAZY, 'train.lazy={losses=["r1"], every=4}')
    task.task.loss("discriminator", batches[0][0], 0, 0)
    loss, terms = task.task.loss("regularisation", batches[0][0], 0, 0)
    assert float(loss.detach()) == pytest.approx(4 * sum(float(term) for term in terms.values()))


def test_lazy_losses_can_have_a_third_optimiser() -> None:
    task, batches = learner(LAZY, 'train.lazy={losses=["r1"], every=2, own_optimiser=true}')
    assert list(task.optimisers) == ["discriminator", "regularisation", "generator"]
    for step in range(3):
        task.step(batches[step], step)
    assert [taken(optimiser) for optimiser in task.optimisers.values()] == [3, 2, 3]
    assert task.optimisers["discriminator"].param_groups[0]["betas"] == (0.5, 0.999), "nothing to correct"


@pytest.mark.parametrize("own", ["true", "false"])
def test_lazy_steps_resume_bit_by_bit(tmp_path: Path, own: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(WITHOUT_TEXT, "losses", LAZY["losses"])
    lazy = f'train.lazy={{losses=["r1"], every=2, own_optimiser={own}}}'
    assert not killed_and_resumed(tmp_path, lazy, steps=3)


def test_lazy_losses_that_the_recipe_has_not_are_refused() -> None:
    with pytest.raises(RecipeError, match=r"train\.lazy\.losses: .* 'r2'; there are: bce, r1"):
        Recipe.read(LAZY, catalogue(), ['train.lazy={losses=["r2"]}'])
