"""Tasks, with made-up parts and losses to train.

Shape letters: see zoo_registry.contracts.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any
from zlib import crc32

from ..component import Component
from ..contracts import Condition, Generated, GeneratorSpec, Growth, ImageFeatures, Round, Text
from ..contracts.tasks import Batch, Plan, Setup, Task
from ..recipe import SINGLE
from ..schema import fill
from ..training import Training, training_of
from .shared import CAPTIONS, CONDITION, TEXT, build, same

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

_RESOLUTION = 16


def task(component: Component, settings: Mapping[str, Any]) -> None:
    """Phases whose losses reach what they train, the same for the same step; state that is all of it."""
    import torch

    made: type[Task] = component.load()
    train, problems = fill(training_of(component), settings, "train")
    assert isinstance(train, Training), "; ".join(problems)
    assert set(made.places) <= set(SINGLE), f"places of a recipe are {', '.join(SINGLE)}"
    assert made.about, "it says what it trains, for a model card"
    plan = made.plan(train)
    assert isinstance(plan, Plan), "`plan` gives a `Plan`"
    assert "generator" in made.places or plan.resolution is not None, (
        "a generator or `Plan.resolution` sets the resolution"
    )
    assert not list(made.problems(train, ("made-up",))), "its settings have no problem"

    def built() -> tuple[MadeUpSetup, Task]:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            setup = MadeUpSetup(train)
            return setup, build(component, settings, setup=setup)

    def step(task: Task, number: int) -> dict[str, Tensor]:
        terms: dict[str, Tensor] = {}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(number)
            for phase in task.phases:
                for repeat in range(phase.repeats if number % phase.every == 0 else 0):
                    terms |= _updated(task, phase, _batch(number, repeat), number, repeat)
        return terms

    (_, first), (_, second) = built(), built()
    assert first.phases, "a task has at least one phase"
    names = [phase.name for phase in first.phases]
    assert len(set(names)) == len(names), "phases have names of their own"
    most = max(phase.repeats for phase in first.phases)
    assert plan.batches == most, (
        f"`plan` says {plan.batches} batches a step, but a phase repeats {most} times"
    )
    same(tuple(step(first, 0).values()), tuple(step(second, 0).values()), "the same step twice")
    _, third = built()
    for name, part in third.state.items():
        part.load_state_dict(first.state[name].state_dict())
    for mine, others in zip(third.phases, first.phases, strict=True):
        mine.optimiser.load_state_dict(deepcopy(others.optimiser.state_dict()))
    for number in (1, 2):
        same(
            tuple(step(first, number).values()),
            tuple(step(third, number).values()),
            "after its state is taken up",
        )
    averaged = first.averaged()
    assert set(averaged) <= set(SINGLE), "`averaged` gives modules by their place"
    if plan.validate_every is not None:
        metrics = first.validate(_HeldOut())
        assert all(math.isfinite(value) for value in metrics.values()), "metrics are finite"
        assert set(plan.best) <= set(metrics), "`validate` gives the metrics that decide"


def _updated(task: Task, phase: Any, batch: Batch, step: int, repeat: int) -> dict[str, Tensor]:
    loss, terms = task.loss(phase.name, batch, step, repeat)
    assert loss.shape == (), f"the loss of {phase.name} is a scalar"
    assert loss.isfinite(), f"the loss of {phase.name} is finite"
    assert terms, f"{phase.name} logs a term"
    assert not any(term.requires_grad for term in terms.values()), f"the terms of {phase.name} are detached"
    phase.optimiser.zero_grad()
    loss.backward()
    gradients = [p.grad for p in phase.module.parameters() if p.grad is not None]
    assert any(bool(gradient.any()) for gradient in gradients), f"the loss of {phase.name} reaches its module"
    phase.optimiser.step()
    task.updated(phase.name, step)
    return {f"{phase.name}/{name}": term for name, term in terms.items()}


def _batch(step: int, repeat: int = 0) -> Batch:
    """Three images with captions, of two classes."""
    import torch

    source = torch.Generator().manual_seed(100 * step + repeat)
    pixels = torch.randint(256, (3, 3, _RESOLUTION, _RESOLUTION), generator=source, dtype=torch.uint8)
    return Batch(pixels, CAPTIONS, torch.tensor([0, 1, 0]), torch.arange(3))


class _HeldOut:
    captions: Sequence[str] = CAPTIONS

    def batches(self, size: int) -> Iterator[Batch]:
        yield _batch(7)
        yield _batch(8)


class MadeUpSetup(Setup):
    """Small parts in every place of a recipe, and one loss; images of 16 px."""

    def __init__(self, training: Training) -> None:
        import torch

        self.training, self.device = training, torch.device("cpu")
        self.process, self.processes = 0, 1
        self.resolution, self.code_width = _RESOLUTION, CONDITION.width
        self.frozen: Collection[str] = ()
        self.losses, self.augmentations = ("made-up",), ()
        self.parts: Mapping[str, Any] = {place: module.eval() for place, module in _parts().items()}

    def learning(self, *places: str) -> nn.ModuleDict:
        """Those modules, in training mode."""
        from torch import nn

        return nn.ModuleDict({place: self.parts[place].train() for place in places})

    def adam(
        self, parameters: Iterable[nn.Parameter], *, lr: float, betas: tuple[float, float]
    ) -> torch.optim.Optimizer:
        """Torch's."""
        import torch

        return torch.optim.Adam(parameters, lr=lr, betas=betas)

    def seeded(self, *key: int | str) -> torch.Generator:
        """A generator for a key."""
        import torch

        return torch.Generator().manual_seed(crc32(repr(key).encode()))

    def noise(self, count: int, width: int, source: torch.Generator) -> Tensor:
        """What the source gives."""
        import torch

        return torch.randn(count, width, generator=source)

    def growth(self, step: int) -> Growth:
        """All of it."""
        return Growth(_RESOLUTION)

    def epoch(self, step: int) -> int:
        """Ten steps each."""
        return step // 10

    def read(self, captions: Sequence[str]) -> Text:
        """The captions' text."""
        return self.parts["text_encoder"](captions)

    def condition(self, text: Text, noise: Tensor) -> Condition:
        """The sentence, narrowed, with noise."""
        return self.parts["conditioning"](text.sentence, noise=noise)

    def images(self, pixels: Tensor, resolutions: Sequence[int]) -> tuple[Tensor, ...]:
        """Pixels as images in [-1, 1], resized."""
        from torch.nn.functional import interpolate

        images = pixels.float() / 127.5 - 1
        return tuple(interpolate(images, resolution) for resolution in resolutions)

    def total(
        self, round: Round, player: str, losses: Collection[str] | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Logits or, without a discriminator, features near the noise or else the text; or just images."""
        import torch

        if round.discriminator is not None:
            score, heads = round.discriminator.score, round.head_inputs
            fake = torch.stack(
                [logits.mean() for h in heads for logits in score(round.fake_features, h)]
            ).sum()
            real = torch.stack(
                [logits.mean() for h in heads for logits in score(round.real_features, h)]
            ).sum()
            value = -fake if player == "generator" else fake - real
        elif round.image_encoder is not None:
            target = round.text.sentence if round.noise is None else round.noise
            value = (round.image_features.vector - target).square().mean()
        else:
            value = round.generated.images[-1].square().mean()
        return value, {"made-up": value.detach()}

    def gather(self, tensor: Tensor) -> Tensor:
        """There is one process."""
        return tensor


def _parts() -> dict[str, nn.Module]:
    import torch
    from torch import nn

    class Reader(nn.Module):
        spec = TEXT

        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(64, TEXT.width)

        def forward(self, captions: Sequence[str]) -> Text:
            ids = torch.tensor(
                [[crc32(w.encode()) % 64 for w in (c.split() + [""] * 6)[:6]] for c in captions]
            )
            words = self.table(ids)  # [B,6,D]
            return Text(words.mean(1), words, torch.ones_like(ids, dtype=torch.bool))

    class Conditioner(nn.Module):
        width = CONDITION.width

        def __init__(self) -> None:
            super().__init__()
            self.mean = nn.Linear(TEXT.width, CONDITION.width)

        def forward(self, sentence: Tensor, *, noise: Tensor | None = None) -> Condition:
            mean = self.mean(sentence)
            return Condition(mean if noise is None else mean + noise, mean, torch.zeros_like(mean))

    class Painter(nn.Module):
        spec = GeneratorSpec((_RESOLUTION // 2, _RESOLUTION), TEXT.width)

        def __init__(self) -> None:
            super().__init__()
            self.paint = nn.Linear(CONDITION.width + TEXT.width, 3)

        def forward(self, noise: Tensor, condition: Condition, text: Text, growth: Growth) -> Generated:
            colour = self.paint(torch.cat([condition.code, noise], 1)).tanh()[:, :, None, None]  # [B,3,1,1]
            return Generated(tuple(colour.expand(-1, -1, r, r) for r in self.spec.resolutions))

    class Critic(nn.Module):
        unconditional = True

        def __init__(self) -> None:
            super().__init__()
            self.pixels = nn.Linear(3, 8)
            self.joint = nn.Linear(8 + TEXT.width, 1)

        def features(self, images: tuple[Tensor, ...], growth: Growth) -> tuple[Tensor, ...]:
            return tuple(self.pixels(image.mean((2, 3))).tanh() for image in images)

        def score(self, features: tuple[Tensor, ...], sentence: Tensor | None) -> tuple[Tensor, ...]:
            if sentence is None:
                return tuple(feature.sum(1) for feature in features)
            return tuple(self.joint(torch.cat([feature, sentence], 1))[:, 0] for feature in features)

    class Seer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.see = nn.Linear(3, TEXT.width)

        def forward(self, images: Tensor) -> ImageFeatures:
            vector = self.see(images.mean((2, 3)))
            return ImageFeatures(vector, vector[:, None].expand(-1, 4, -1), (2, 2))

    return {
        "text_encoder": Reader(),
        "image_encoder": Seer(),
        "conditioning": Conditioner(),
        "generator": Painter(),
        "discriminator": Critic(),
        "style_encoder": Seer(),
    }
