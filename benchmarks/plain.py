"""AttnGAN's training iteration (arXiv:1711.10485) as its authors' script takes it, written plainly.

What `zoo.tasks.gan` is measured against. It differs from the script only where that is at fault: the attention
mask is laid out right, and the average is kept as one more module. As in the script, an upsampling is followed
by a convolution, every side has a discriminator, a step and an optimiser of its own, the discriminators' weights
receive gradients in the generator's step that nobody uses, and the word loss goes caption by caption.

Shape letters: B batch, L words, D text width, C condition width, Z noise width, R image side, N image regions,
K base channels, Q = h * w queries. Parameters and buffers stand in the order of the zoo's parts, so that weights
are copied one by one.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_EPS = 1e-8


class Gate(nn.Module):
    """Half of the channels, gated by the other half."""

    def forward(self, x: Tensor) -> Tensor:
        values, gates = x.chunk(2, dim=1)
        return values * torch.sigmoid(gates)


def conv3x3(narrow: int, wide: int) -> nn.Conv2d:
    return nn.Conv2d(narrow, wide, 3, padding=1, bias=False)


def up(wide: int, narrow: int) -> nn.Sequential:
    """[B,wide,h,w] to [B,narrow,2h,2w]."""
    return nn.Sequential(
        nn.Upsample(scale_factor=2, mode="nearest"),
        conv3x3(wide, 2 * narrow),
        nn.BatchNorm2d(2 * narrow),
        Gate(),
    )


class Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.block = nn.Sequential(
            conv3x3(channels, 2 * channels),
            nn.BatchNorm2d(2 * channels),
            Gate(),
            conv3x3(channels, channels),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.block(x)


class FirstStage(nn.Module):
    def __init__(self, width: int, side: int, channels: int) -> None:
        super().__init__()
        doublings = (side // 4).bit_length() - 1
        self.wide = channels << doublings
        self.fc = nn.Sequential(
            nn.Linear(width, 32 * self.wide, bias=False), nn.BatchNorm1d(32 * self.wide), Gate()
        )
        self.ups = nn.ModuleList(up(self.wide >> i, self.wide >> (i + 1)) for i in range(doublings))

    def forward(self, code: Tensor) -> Tensor:
        x = self.fc(code).view(-1, self.wide, 4, 4)
        for block in self.ups:
            x = block(x)
        return x


class Attention(nn.Module):
    """Scores as rows [B*Q,L], the mask repeated for each query."""

    def __init__(self, text_width: int, channels: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(text_width, channels, 1, bias=False)

    def forward(self, hidden: Tensor, words: Tensor, mask: Tensor) -> Tensor:
        batch, _, height, width = hidden.shape
        queries, length = height * width, words.shape[2]
        targets = hidden.view(batch, -1, queries).transpose(1, 2).contiguous()  # [B,Q,K]
        sources = self.project(words.unsqueeze(3)).squeeze(3)  # [B,D,L] -> [B,K,L]
        scores = torch.bmm(targets, sources).view(batch * queries, length)
        padding = ~mask.unsqueeze(1).repeat(1, queries, 1).view(batch * queries, length)
        weights = F.softmax(scores.masked_fill(padding, float("-inf")), dim=1)
        weights = weights.view(batch, queries, length).transpose(1, 2).contiguous()  # [B,L,Q]
        return torch.bmm(sources, weights).view_as(hidden)


class LaterStage(nn.Module):
    def __init__(self, text_width: int, channels: int, residuals: int) -> None:
        super().__init__()
        self.attention = Attention(text_width, channels)
        self.residual = nn.Sequential(*(Residual(2 * channels) for _ in range(residuals)))
        self.up = up(2 * channels, channels)

    def forward(self, hidden: Tensor, words: Tensor, mask: Tensor) -> Tensor:
        context = self.attention(hidden, words, mask)
        return self.up(self.residual(torch.cat((hidden, context), dim=1)))


class Generator(nn.Module):
    """Conditioning augmentation and all stages."""

    def __init__(
        self, text_width: int, code_width: int, noise_width: int, sides: Sequence[int], channels: int, residuals: int
    ) -> None:
        super().__init__()
        self.code = nn.Linear(text_width, 4 * code_width)
        self.gate = Gate()
        self.first = FirstStage(code_width + noise_width, sides[0], channels)
        self.later = nn.ModuleList(LaterStage(text_width, channels, residuals) for _ in sides[1:])
        self.to_image = nn.ModuleList(nn.Sequential(conv3x3(channels, 3), nn.Tanh()) for _ in sides)

    def forward(
        self, noise: Tensor, draws: Tensor, sentence: Tensor, words: Tensor, mask: Tensor
    ) -> tuple[list[Tensor], Tensor, Tensor]:
        """Images [B,3,R,R], small to large, and the condition's mean and logvar; `words` is [B,D,L]."""
        mean, logvar = self.gate(self.code(sentence)).chunk(2, dim=1)
        code = draws.mul(torch.exp(0.5 * logvar)).add(mean)
        hidden = self.first(torch.cat((code, noise), dim=1))
        images = [self.to_image[0](hidden)]
        for stage, to_image in zip(self.later, self.to_image[1:], strict=True):
            hidden = stage(hidden, words, mask)
            images.append(to_image(hidden))
        return images, mean, logvar


class Discriminator(nn.Module):
    """One side's."""

    def __init__(self, text_width: int, side: int, channels: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, channels, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]
        width = channels
        while side > 8:
            side //= 2
            wider = min(2 * width, 32 * channels)
            layers += [nn.Conv2d(width, wider, 4, 2, 1, bias=False), nn.BatchNorm2d(wider), nn.LeakyReLU(0.2)]
            width = wider
        while width != 8 * channels:
            narrower = max(width // 2, 8 * channels)
            layers += [conv3x3(width, narrower), nn.BatchNorm2d(narrower), nn.LeakyReLU(0.2)]
            width = narrower
        self.trunk = nn.Sequential(*layers)
        self.joint = nn.Sequential(conv3x3(width + text_width, width), nn.BatchNorm2d(width), nn.LeakyReLU(0.2))
        self.conditional = nn.Conv2d(width, 1, 4)
        self.alone = nn.Conv2d(width, 1, 4)

    def forward(self, images: Tensor) -> Tensor:
        return self.trunk(images)

    def judge(self, features: Tensor) -> Tensor:
        """Probability that the images are real."""
        return torch.sigmoid(self.alone(features)).view(-1)

    def judge_pair(self, features: Tensor, sentence: Tensor) -> Tensor:
        """Probability that the images are real and show the sentence."""
        sentence = sentence.view(len(sentence), -1, 1, 1).repeat(1, 1, 4, 4)
        return torch.sigmoid(self.conditional(self.joint(torch.cat((features, sentence), dim=1)))).view(-1)


class ImageEncoder(nn.Module):
    """Inception-v3, frozen: timm's module, which both sides use; the projections are the script's."""

    def __init__(self, trunk: nn.Module, channels: Sequence[int], text_width: int, side: int, regions: int) -> None:
        super().__init__()
        self.trunk = copy.deepcopy(trunk)
        self.region_projection = nn.Conv2d(channels[regions], text_width, 1, bias=False)
        self.vector_projection = nn.Linear(channels[-1], text_width)
        self.side, self.regions = side, regions
        self.requires_grad_(False).eval()

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Regions [B,D,h,w] and vectors [B,D]."""
        stages = self.trunk(F.interpolate(images, size=(self.side, self.side), mode="bilinear", align_corners=False))
        return (
            self.region_projection(stages[self.regions]),
            self.vector_projection(F.adaptive_avg_pool2d(stages[-1], 1).flatten(1)),
        )


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

    real: tuple[Tensor, ...]  # [B,3,R,R] a side
    sentence: Tensor  # [B,D]
    words: Tensor  # [B,D,L]
    mask: Tensor  # [B,L], True where real
    labels: Tensor  # [B]
    noise: Tensor  # [B,Z]
    draws: Tensor  # [B,C]


class Iteration:
    """Networks, optimisers and average, and one iteration of the script.

    recipe: the locked one, of the parts that ours trains. parts: ours, by kind, whose weights are copied.
    """

    def __init__(self, recipe: Mapping[str, Any], parts: Mapping[str, nn.Module], device: torch.device) -> None:
        text_width = recipe["text_encoder"]["width"]
        shape, train = recipe["generator"], recipe["train"]
        self.losses = {loss["use"]: loss for loss in recipe["losses"]}
        self.decay = train["ema"]
        self.generator = Generator(
            text_width,
            recipe["conditioning"]["width"],
            shape["noise_width"],
            shape["sides"],
            shape["base_channels"],
            shape["residual_blocks"],
        ).to(device)
        self.discriminators = [
            Discriminator(text_width, side, recipe["discriminator"]["base_channels"]).to(device)
            for side in shape["sides"]
        ]
        encoder: Any = parts["image_encoder"]
        self.image_encoder = ImageEncoder(
            encoder.trunk, encoder.trunk.feature_info.channels(), text_width, encoder.side, encoder.regions
        ).to(device)
        copy_weights([parts["conditioning"], parts["generator"]], [self.generator])
        copy_weights([parts["discriminator"]], self.discriminators)
        copy_weights([parts["image_encoder"]], [self.image_encoder])
        self.average = [p.detach().clone() for p in self.generator.parameters()]
        betas = tuple(train["betas"])
        self.discriminator_optimisers = [
            torch.optim.Adam(d.parameters(), lr=train["discriminator_lr"], betas=betas) for d in self.discriminators
        ]
        self.optimiser = torch.optim.Adam(self.generator.parameters(), lr=train["generator_lr"], betas=betas)

    def step(self, inputs: Inputs) -> dict[str, Tensor]:
        """One iteration; its terms by the zoo's names."""
        terms = {}
        fake, mean, logvar = self.generator(
            inputs.noise, inputs.draws, inputs.sentence, inputs.words, inputs.mask
        )
        for network, optimiser, real, drawn in zip(
            self.discriminators, self.discriminator_optimisers, inputs.real, fake, strict=True
        ):
            optimiser.zero_grad()
            loss = discriminator_loss(network, real, drawn, inputs.sentence)
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
    """Of one side."""
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
    """Adversarial terms of every side, matching terms of the last."""
    ones = torch.ones(len(inputs.sentence), device=inputs.sentence.device)
    terms = {}
    for network, images in zip(networks, fake, strict=True):
        features = network(images)
        pair = F.binary_cross_entropy(network.judge_pair(features, inputs.sentence), ones)
        alone = F.binary_cross_entropy(network.judge(features), ones)
        terms[f"adversarial/{images.shape[-1]}"] = alone + pair
    regions, vectors = image_encoder(fake[-1])
    lengths = inputs.mask.sum(1).tolist()
    of_words = words_loss(regions, inputs.words, lengths, inputs.labels, gammas)
    of_sentence = sentence_loss(vectors, inputs.sentence, inputs.labels, gammas[2])
    for i in range(2):
        terms[f"damsm/words{i}"], terms[f"damsm/sentence{i}"] = of_words[i], of_sentence[i]
    return terms


def copy_weights(ours: Sequence[nn.Module], plain: Sequence[nn.Module]) -> None:
    """All tensors of ours into the plain modules, in order; a 1x1 convolution takes a linear layer's."""
    sources = [tensor for module in ours for tensor in module.state_dict().values()]
    targets = [tensor for module in plain for tensor in module.state_dict().values()]
    for source, target in zip(sources, targets, strict=True):
        target.copy_(source.view_as(target))


def paired_parameters(ours: Sequence[nn.Module], plain: Sequence[nn.Module]) -> list[tuple[nn.Parameter, nn.Parameter]]:
    """The parameters that are one."""
    mine = [p for module in ours for p in module.parameters()]
    theirs = [p for module in plain for p in module.parameters()]
    return list(zip(mine, theirs, strict=True))
