"""AttnGAN's training iteration (arXiv:1711.10485) as its authors' script takes it, written plainly.

What the task `gan` is measured against. As in the script, an upsampling is followed by a convolution, every
resolution has a discriminator, a step and an optimiser of its own, the discriminators' weights receive
gradients in the generator's step that nobody uses, and the word loss goes caption by caption. One bug of the
script is fixed, so that both compute the same numbers: the attention's mask has the right layout.

Shape letters as in zoo_registry.contracts; also l words of one caption.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .plain_networks import Discriminator, Generator, ImageEncoder, copy_weights

_EPS = 1e-8


def words_loss(
    regions: Tensor,
    words: Tensor,
    lengths: Sequence[int],
    labels: Tensor | None,
    gammas: tuple[float, float, float],
) -> tuple[Tensor, Tensor]:
    """Equations 7 to 12, a caption at a time against all images; regions [B,D,h,w], words [B,D,L]."""
    batch = len(regions)
    columns = []
    for i, length in enumerate(lengths):
        word = words[i, :, :length].unsqueeze(0).repeat(batch, 1, 1)  # [B,D,l]
        context = _attend(word, regions, gammas[0])  # [B,D,l]
        word = word.transpose(1, 2).contiguous().view(batch * length, -1)
        context = context.transpose(1, 2).contiguous().view(batch * length, -1)
        similarity = _cosine(word, context).view(batch, length)
        columns.append(torch.log(similarity.mul(gammas[1]).exp().sum(dim=1, keepdim=True)))
    return _both_ways(gammas[2] * torch.cat(columns, dim=1), labels)


def sentence_loss(
    vectors: Tensor, sentences: Tensor, labels: Tensor | None, gamma3: float
) -> tuple[Tensor, Tensor]:
    """Cosines of all images with all sentences."""
    lengths = torch.norm(vectors, dim=1, keepdim=True) @ torch.norm(sentences, dim=1, keepdim=True).T
    return _both_ways(gamma3 * (vectors @ sentences.T) / lengths.clamp(min=_EPS), labels)


def _attend(word: Tensor, regions: Tensor, gamma1: float) -> Tensor:
    """Each word's sum of regions: words [B,D,l] and regions [B,D,h,w] to [B,D,l]."""
    batch, length = word.shape[0], word.shape[2]
    flat = regions.flatten(2)  # [B,D,N]
    count = flat.shape[2]
    scores = torch.bmm(flat.transpose(1, 2).contiguous(), word)  # [B,N,l]
    shares = F.softmax(scores.view(batch * count, length), dim=1).view(batch, count, length)
    shares = shares.transpose(1, 2).contiguous().view(batch * length, count)
    weights = F.softmax(gamma1 * shares, dim=1).view(batch, length, count)
    return torch.bmm(flat, weights.transpose(1, 2).contiguous())


def _cosine(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum(1) / (torch.norm(a, dim=1) * torch.norm(b, dim=1)).clamp(min=_EPS)


def _both_ways(logits: Tensor, labels: Tensor | None) -> tuple[Tensor, Tensor]:
    """Images by row, captions by column; other pairs of one class do not count."""
    if labels is not None:
        same = (labels[:, None] == labels) & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
        logits = logits.masked_fill(same, float("-inf"))
    own = torch.arange(len(logits), device=logits.device)
    return F.cross_entropy(logits, own), F.cross_entropy(logits.T, own)


@dataclass(frozen=True)
class Inputs:
    """What the script's loader and text encoder hand to an iteration."""

    real: tuple[Tensor, ...]  # [B,3,R,R] per resolution
    sentence: Tensor  # [B,D]
    words: Tensor  # [B,D,L]
    mask: Tensor  # [B,L], True where real
    lengths: list[int]
    labels: Tensor  # [B]
    noise: Tensor  # [B,Z]
    code_noise: Tensor  # [B,C]


class Iteration:
    """Networks, optimisers and average, and one iteration of the script.

    recipe: the locked one, of the parts that ours trains. parts: ours, by kind, whose weights are copied.
    """

    def __init__(
        self, recipe: Mapping[str, Any], parts: Mapping[str, nn.Module], device: torch.device
    ) -> None:
        text_width = recipe["text_encoder"]["width"]
        train = recipe["train"]
        self.losses = {loss["use"]: loss for loss in recipe["losses"]}
        self.decay = train["ema"]
        self.generator = Generator(recipe).to(device)
        self.discriminators = [
            Discriminator(text_width, resolution, recipe["discriminator"]["base_channels"]).to(device)
            for resolution in recipe["generator"]["resolutions"]
        ]
        encoder: Any = parts["image_encoder"]
        self.image_encoder = ImageEncoder(
            encoder.trunk,
            encoder.trunk.feature_info.channels(),
            text_width,
            encoder.resolution,
            encoder.regions,
        ).to(device)
        copy_weights([parts["conditioning"], parts["generator"]], [self.generator])
        copy_weights([parts["discriminator"]], self.discriminators)
        copy_weights([parts["image_encoder"]], [self.image_encoder])
        self.average = [p.detach().clone() for p in self.generator.parameters()]
        betas = tuple(train["betas"])
        self.discriminator_optimisers = [
            torch.optim.Adam(d.parameters(), lr=train["discriminator_lr"], betas=betas)
            for d in self.discriminators
        ]
        self.optimiser = torch.optim.Adam(self.generator.parameters(), lr=train["generator_lr"], betas=betas)

    def step(self, inputs: Inputs) -> dict[str, Tensor]:
        """One iteration; its terms by the zoo's names."""
        terms = {}
        fake, mean, logvar = self.generator(
            inputs.noise, inputs.code_noise, inputs.sentence, inputs.words, inputs.mask
        )
        for network, optimiser, real, generated in zip(
            self.discriminators, self.discriminator_optimisers, inputs.real, fake, strict=True
        ):
            optimiser.zero_grad()
            loss = discriminator_loss(network, real, generated, inputs.sentence)
            loss.backward()
            optimiser.step()
            terms[f"discriminator/adversarial/{real.shape[-1]}"] = loss.detach()

        self.optimiser.zero_grad()
        mine = generator_losses(
            self.discriminators, self.image_encoder, fake, inputs, tuple(self.losses["damsm"]["gammas"])
        )
        mine["kl"] = -0.5 * torch.mean(1 + logvar - mean.pow(2) - logvar.exp())
        total = torch.zeros((), device=mean.device)
        for name, term in mine.items():
            total = total + self.losses.get(name.split("/")[0], {}).get("weight", 1.0) * term
        total.backward()
        self.optimiser.step()
        with torch.no_grad():
            for live, average in zip(self.generator.parameters(), self.average, strict=True):
                average.mul_(self.decay).add_(live, alpha=1 - self.decay)
        return terms | {f"generator/{name}": term.detach() for name, term in mine.items()}


# [b(x) + b(x|s)] / 2 + [b(x^) + b(x^|s) + b(x|s')] / 3; s' is the next sentence of the batch
def discriminator_loss(network: Discriminator, real: Tensor, fake: Tensor, sentence: Tensor) -> Tensor:
    """Of one resolution."""
    ones, zeros = torch.ones(len(real), device=real.device), torch.zeros(len(real), device=real.device)
    of_real, of_fake = network(real), network(fake.detach())
    pair_real = F.binary_cross_entropy(network.judge_pair(of_real, sentence), ones)
    pair_fake = F.binary_cross_entropy(network.judge_pair(of_fake, sentence), zeros)
    pair_wrong = F.binary_cross_entropy(network.judge_pair(of_real[:-1], sentence[1:]), zeros[1:])
    alone_real = F.binary_cross_entropy(network.judge(of_real), ones)
    alone_fake = F.binary_cross_entropy(network.judge(of_fake), zeros)
    return (alone_real + pair_real) / 2 + (alone_fake + pair_fake + pair_wrong) / 3


def generator_losses(
    networks: Sequence[Discriminator],
    image_encoder: ImageEncoder,
    fake: Sequence[Tensor],
    inputs: Inputs,
    gammas: tuple[float, float, float],
) -> dict[str, Tensor]:
    """Adversarial terms of every resolution, matching terms of the last."""
    ones = torch.ones(len(inputs.sentence), device=inputs.sentence.device)
    terms = {}
    for network, images in zip(networks, fake, strict=True):
        features = network(images)
        pair = F.binary_cross_entropy(network.judge_pair(features, inputs.sentence), ones)
        alone = F.binary_cross_entropy(network.judge(features), ones)
        terms[f"adversarial/{images.shape[-1]}"] = alone + pair
    regions, vectors = image_encoder(fake[-1])
    of_words = words_loss(regions, inputs.words, inputs.lengths, inputs.labels, gammas)
    of_sentence = sentence_loss(vectors, inputs.sentence, inputs.labels, gammas[2])
    for i in range(2):
        terms[f"damsm/words{i}"], terms[f"damsm/sentence{i}"] = of_words[i], of_sentence[i]
    return terms
