"""Losses and augmentations.

Shape letters: see zoo_registry.contracts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..component import Component
from ..contracts import Condition, Generated, Growth, ImageFeatures, Round, Text
from .shared import CAPTIONS, RESOLUTIONS, TEXT, build, given, same

if TYPE_CHECKING:
    from torch import Tensor


def loss(component: Component, settings: Mapping[str, Any]) -> None:
    """Scalar terms that are finite and can be minimised, the same for the same round."""
    import torch
    from torch import nn

    class Judge(nn.Module):
        unconditional = True
        redescribes = True

        def __init__(self) -> None:
            super().__init__()
            self.pixels = nn.LazyLinear(8)
            self.joint = nn.Bilinear(8, TEXT.width, 1)

        def features(self, images: tuple[Tensor, ...], growth: Growth) -> tuple[Tensor, ...]:
            return tuple(torch.tanh(self.pixels(i.mean((2, 3)))) for i in images)

        def score(self, features: tuple[Tensor, ...], sentence: Tensor | None) -> tuple[Tensor, ...]:
            return tuple((f.sum(1) if sentence is None else self.joint(f, sentence)[:, 0]) for f in features)

        def match(self, features: tuple[Tensor, ...], text: Text) -> tuple[ImageFeatures, Text]:
            vector = features[-1].repeat(1, 1 + TEXT.width // 8)[:, : TEXT.width]  # [B,8] -> [B,D]
            return ImageFeatures(vector, vector[:, None].expand(-1, 4, -1), (2, 2)), text

        def redescribe(self, features: tuple[Tensor, ...], text: Text) -> Tensor:
            assert text.words is not None
            return features[-1][:, None] + text.words[:, :, :8]  # [B,L,8]

    def see(images: Tensor) -> ImageFeatures:
        regions = nn.functional.adaptive_avg_pool2d(images, 2).flatten(2).transpose(1, 2)  # [B,4,3]
        regions = regions.repeat(1, 1, 6)[:, :, : TEXT.width]  # [B,4,D]
        return ImageFeatures(regions.mean(1), regions, (2, 2))

    loss = build(component, settings)
    source = torch.Generator().manual_seed(0)
    _, condition, text = given(8, 4)
    fake = tuple(
        torch.rand(4, 3, resolution, resolution, generator=source, requires_grad=True)
        for resolution in RESOLUTIONS
    )
    real = tuple(torch.rand(4, 3, resolution, resolution, generator=source) for resolution in RESOLUTIONS)
    assert condition.mean is not None
    assert condition.logvar is not None
    mean, logvar = condition.mean.requires_grad_(), condition.logvar.requires_grad_()
    round = Round(
        generated=Generated(fake),
        text=text._replace(sentence=text.sentence.requires_grad_()),
        real=real,
        sentence=text.sentence,
        condition=Condition(condition.code.requires_grad_(), mean, logvar),
        noise=torch.randn(4, TEXT.width, generator=source),
        captions=(*CAPTIONS, CAPTIONS[0]),
        labels=torch.tensor([0, 1, 0, 2]),
        mismatch=(torch.tensor([0, 1, 2, 3]), torch.tensor([1, 2, 3, 0])),
        growth=Growth(RESOLUTIONS[-1]),
        source=torch.Generator(),
        discriminator=Judge(),
        image_encoder=see,
    )
    players = {
        "generator": loss.generator(_with_own_source(round)),
        "discriminator": loss.discriminator(_with_own_source(round.detach())),
    }
    assert any(players.values()), "a loss has at least one term"
    for player, terms in players.items():
        for name, term in terms.items():
            assert term.shape == (), f"{player} term {name} is a scalar"
            assert term.isfinite(), f"{player} term {name} is finite"
            assert term.requires_grad, f"{player} term {name} can be minimised"
    again = loss.generator(_with_own_source(round))
    same(tuple(players["generator"].values()), tuple(again.values()), "the same round twice")


def _with_own_source(round: Round) -> Round:
    """The round without cached features, its random numbers from the start."""
    import torch

    return replace(round, source=torch.Generator().manual_seed(0))


def augmentation(component: Component, settings: Mapping[str, Any]) -> None:
    """Images that keep their shape and pass gradients, the same for the same random numbers and state."""
    import torch

    augmentation, twin = (build(component, settings) for _ in range(2))
    source = torch.Generator().manual_seed(0)
    images = torch.rand(4, 3, 32, 32, generator=source) * 2 - 1

    def run(module: Any) -> Tensor:
        changed: Tensor = module(images.requires_grad_(), torch.Generator().manual_seed(1))
        return changed

    for _ in range(3):
        augmentation.adapt((torch.ones(4), torch.ones(4)))
    changed = run(augmentation)
    assert changed.shape == images.shape, "images keep their shape"
    changed.square().sum().backward()
    assert images.grad is not None, "gradients pass to the images"
    assert images.grad.isfinite().all(), "gradients are finite"
    same(changed, run(augmentation), "the same random numbers twice")
    twin.load_state_dict(augmentation.state_dict())
    same(changed, run(twin), "saved and loaded")
