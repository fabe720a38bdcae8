"""A discriminator whose logits and gradients are known by hand, and a round that it judges."""

import torch
from torch import nn

from zoo_registry.contracts import Generated, Growth, Round, Text


def draws(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


class Linear(nn.Module):
    """score(x, s) = w.x + u.s a resolution, score(x, None) = v.x; `inputs` keeps what it was shown."""

    def __init__(self, *resolutions, unconditional=False, width=5):
        super().__init__()
        self.resolutions, self.unconditional, self.inputs = resolutions, unconditional, []
        self.w, self.v = (
            nn.ParameterList(
                [
                    draws(3 * resolution * resolution, seed=seed + resolution) / resolution
                    for resolution in resolutions
                ]
            )
            for seed in (1, 2)
        )
        self.u = nn.Parameter(draws(width, seed=3))

    def features(self, images, growth):
        self.inputs.append(images)
        return tuple(image.flatten(1) for image in images[-len(self.resolutions) :])

    def score(self, features, sentence):
        if sentence is None:
            return tuple(f @ v for f, v in zip(features, self.v, strict=True))
        return tuple(f @ w + sentence @ self.u for f, w in zip(features, self.w, strict=True))


def round_for(judge, *resolutions, count=3, step=0, text=True, **fields):
    """Images of these resolutions and sentences of width 5, as the discriminator's losses receive them."""
    sentence = draws(count, 5, seed=8) if text else None
    given = {
        "generated": Generated(
            tuple(draws(count, 3, resolution, resolution, seed=10 + resolution) for resolution in resolutions)
        ),
        "text": Text(draws(count, 0) if sentence is None else sentence),
        "real": tuple(
            draws(count, 3, resolution, resolution, seed=20 + resolution) for resolution in resolutions
        ),
        "sentence": sentence,
        "mismatch": (torch.arange(count), torch.arange(count).roll(1)) if text else None,
        "growth": Growth(resolutions[-1]),
        "step": step,
        "source": torch.Generator().manual_seed(4),
        "discriminator": judge,
    }
    return Round(**given | fields)
