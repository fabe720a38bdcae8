"""Augmentation, fading and mismatches: what the discriminator is shown."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from learners import GAN, WITHOUT_TEXT, learner
from torch import Tensor, nn

from zoo_plugins.tasks.mismatch import mismatched

SENTENCES = torch.randn(8, 4, generator=torch.Generator().manual_seed(1))


class Blank(nn.Module):
    """Stands for an augmentation."""

    def forward(self, images: Tensor, source: torch.Generator) -> Tensor:
        return images * 0

    def adapt(self, scores: tuple[Tensor, ...]) -> None:
        assert all(score.shape == (8,) for score in scores)


def test_all_that_the_discriminator_sees_is_augmented(monkeypatch: pytest.MonkeyPatch) -> None:
    task, batches = learner("attngan-aviary", *GAN, 'augmentations=[{use="diffaugment"}]')
    blank = Blank()
    task.task.augmentations = nn.ModuleList([blank])
    task.setup.augmentations = (blank,)
    seen: list[bool] = []
    features = task.parts.discriminator.features

    def look(images: tuple[Tensor, ...], growth: Any) -> Any:
        seen.append(all(not image.any() for image in images))
        return features(images, growth)

    monkeypatch.setattr(task.parts.discriminator, "features", look)
    task.step(batches[0], 0)
    assert seen == [True] * 3, "real and generated images for itself, generated ones for the generator"


def at_half(*changes: str) -> tuple[Tensor, Tensor]:
    """Real images of 8 px in the middle of their fade, and the same images sharp."""
    growth = "train.growth=[{resolution=4}, {resolution=8, fade=1.0}]"
    task, batches = learner(WITHOUT_TEXT, growth, "train.steps=8", *changes)
    assert task.setup.growth(5) == (8, 0.5)
    (real,) = task.task._real(batches[5][0], 5)
    (sharp,) = task.setup.images(batches[5][0].pixels, (8,))
    return real, sharp


def test_real_images_fade_in_like_generated_ones() -> None:
    real, sharp = at_half()
    coarse = F.interpolate(F.avg_pool2d(sharp, 2), scale_factor=2.0)
    assert not torch.allclose(real, sharp)
    torch.testing.assert_close(real, (coarse + sharp) / 2)


def test_real_images_of_t2f_do_not_fade() -> None:
    real, sharp = at_half("train.fade_real=false")
    assert torch.equal(real, sharp)


def test_retry_once_samples_a_second_time_where_the_first_is_of_the_same_class() -> None:
    labels = torch.tensor([0, 0, 0, 0, 1, 1, 1, 1])
    same = 0
    for seed in range(300):
        pairs = mismatched("retry-once", 8, labels, torch.Generator().manual_seed(seed), SENTENCES)
        assert pairs is not None
        same += int((labels[pairs[0]] == labels[pairs[1]]).sum())
    assert same / 2400 == pytest.approx((3 / 7) ** 2, abs=0.03), "once alone would leave 3 of 7"


def test_other_class_takes_every_sentence_of_other_classes() -> None:
    labels = torch.tensor([0, 0, 1, 1, 2, 2, 2, 0])
    partners: list[set[int]] = [set() for _ in labels]
    for seed in range(100):
        pairs = mismatched("other-class", 8, labels, torch.Generator().manual_seed(seed), SENTENCES)
        assert pairs is not None
        for image, sentence in zip(*(indices.tolist() for indices in pairs), strict=True):
            partners[image].add(sentence)
    for image, found in enumerate(partners):
        assert found == {other for other in range(8) if labels[other] != labels[image]}
