"""Inception score, FID, KID, precision and recall: against loops written from their definitions."""

import math

import numpy as np
import pytest
import torch
from scipy import linalg, stats

from zoo_plugins.metrics.fid import FID
from zoo_plugins.metrics.inception_score import InceptionScore
from zoo_plugins.metrics.kid import KID
from zoo_plugins.metrics.precision_recall import PrecisionRecall
from zoo_registry.errors import ZooError

from .fake_study import draws, of_features


def values(metric, study):
    return {name: score.value for name, score in metric.measure(study).scores.items()}


def two_sets(generated=90, real=70, width=6):
    """Features that overlap and differ in mean and spread."""
    mixing = draws(width, width, seed=3)
    return draws(generated, width, seed=1) @ mixing + 0.3, draws(real, width, seed=2)


def test_inception_score_is_its_definition():
    logits = 3 * draws(83, 7)
    score = InceptionScore(splits=5).measure(of_features(logits, seed=4)).scores["inception-score"]
    shuffled = logits.double().numpy()[np.random.RandomState(4).permutation(83)]  # as theirs
    parts = []
    for number in range(5):
        rows = shuffled[number * 83 // 5 : (number + 1) * 83 // 5]
        classes = [np.exp(row) / np.exp(row).sum() for row in rows]
        mean = sum(classes) / len(classes)
        parts.append(math.exp(sum((p * np.log(p / mean)).sum() for p in classes) / len(classes)))
    assert score.value == pytest.approx(np.mean(parts), abs=1e-6)
    assert score.count == 83
    expected = stats.t.interval(0.95, 4, np.mean(parts), np.std(parts, ddof=1) / math.sqrt(5))
    assert score.interval == pytest.approx(expected, rel=2e-3)


def test_inception_score_of_certain_and_of_equal_classes():
    certain = 100 * torch.eye(4).repeat(50, 1)
    assert values(InceptionScore(splits=1), of_features(certain))["inception-score"] == pytest.approx(4)
    assert values(InceptionScore(), of_features(torch.ones(200, 4)))["inception-score"] == pytest.approx(1)


def test_fid_is_its_definition():
    generated, real = two_sets()
    a, b = generated.double().numpy(), real.double().numpy()
    covariances = [
        sum(np.outer(row - x.mean(0), row - x.mean(0)) for row in x) / (len(x) - 1) for x in (a, b)
    ]
    root = linalg.sqrtm(covariances[0] @ covariances[1]).real
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(covariances[0] + covariances[1] - 2 * root)
    assert values(FID(), of_features(generated, real))["fid"] == pytest.approx(expected, abs=1e-6)


def test_fid_of_a_set_with_itself_is_0():
    for rows in (draws(300, 6), draws(20, 50)):  # the second: fewer images than features
        assert 0 <= values(FID(), of_features(rows, rows))["fid"] < 1e-6


def test_fid_of_gaussians_is_known():
    """(m1 - m2)² + (s1 - s2)² a dimension, where dimensions do not vary together."""
    corners = torch.tensor([[1.0, 1], [1, -1], [-1, 1], [-1, -1]]).repeat(10, 1)
    generated = corners * torch.tensor([3.0, 0.5]) + torch.tensor([2.0, 0])
    spread = math.sqrt(40 / 39)
    expected = 2**2 + (2 * spread) ** 2 + (0.5 * spread) ** 2
    assert values(FID(), of_features(generated, corners))["fid"] == pytest.approx(expected, abs=1e-6)


def test_kid_is_its_definition():
    generated, real = (rows[:40] for rows in two_sets())
    a, b = generated.double().numpy(), real.double().numpy()

    def kernel(x, y):
        return (x @ y / 6 + 1) ** 3

    within = [
        sum(kernel(x[i], x[j]) for i in range(40) for j in range(40) if i != j) / (40 * 39) for x in (a, b)
    ]
    across = sum(kernel(x, y) for x in a for y in b) / 40**2
    score = KID(subsets=3, subset_size=40).measure(of_features(generated, real)).scores["kid"]
    assert score.value == pytest.approx(sum(within) - 2 * across, abs=1e-6)
    assert score.interval is None  # all subsets are the same one


def test_kid_interval_is_as_wide_as_its_error():
    """The jackknife's error, meant over many sets, against how far KID of as many sets is apart."""
    found = []
    for seed in range(60):
        rows = draws(400, 4, seed=100 + seed)
        study = of_features(rows[:200] * 1.5 + 0.5, rows[200:])
        found.append(KID(subsets=40, subset_size=50).measure(study).scores["kid"])
    errors = [(score.interval[1] - score.interval[0]) / 2 / 1.96 for score in found]
    assert 0.75 < np.mean(errors) / np.std([score.value for score in found]) < 1.35


def test_kid_of_equal_distributions_is_about_0():
    score = KID(subsets=50, subset_size=100).measure(of_features(draws(500, 5), draws(500, 5, seed=1)))
    low, high = score.scores["kid"].interval
    assert low < 0 < high


def test_precision_and_recall_are_their_definition():
    generated, real = two_sets()
    measured = PrecisionRecall(neighbourhood=3).measure(of_features(generated, real))
    a, b = generated.double().numpy(), real.double().numpy()

    def share_within(some, others):
        reach = [sorted(np.linalg.norm(others - o, axis=1))[3] for o in others]  # the first is itself
        inside = [any(np.linalg.norm(s - o) <= r for o, r in zip(others, reach, strict=True)) for s in some]
        return sum(inside) / len(some)

    for name, some, others in (("precision", a, b), ("recall", b, a)):
        score = measured.scores[name]
        expected = share_within(some, others)
        assert 0.05 < expected < 0.95
        assert score.value == pytest.approx(expected, abs=1e-6)
        assert score.count == len(some)
        wilson = stats.binomtest(round(expected * len(some)), len(some)).proportion_ci(method="wilson")
        assert score.interval == pytest.approx((wilson.low, wilson.high), abs=1e-6)


def test_an_interval_begins_at_0_where_nothing_is_precise():
    score = PrecisionRecall().measure(of_features(draws(100, 4) + 1000, draws(100, 4, seed=1)))
    low, high = score.scores["precision"].interval
    assert low == 0
    assert high == pytest.approx(stats.binomtest(0, 100).proportion_ci(method="wilson").high)


def test_precision_and_recall_tell_quality_from_variety():
    real = draws(200, 4)
    same = values(PrecisionRecall(), of_features(real[:1].repeat(200, 1), real))
    assert same == {"precision": 1, "recall": pytest.approx(0.005, abs=0.006)}
    wild = values(PrecisionRecall(), of_features(draws(200, 4, seed=1) * 20, real))
    assert wild["precision"] < 0.1 < 0.9 < wild["recall"]


@pytest.mark.parametrize(
    "metric",
    [InceptionScore(splits=1), FID(), KID(subsets=2, subset_size=70), PrecisionRecall()],
    ids=lambda metric: type(metric).__name__,
)
def test_the_order_of_images_does_not_matter(metric):
    generated, real = (rows[:70] for rows in two_sets())
    source = torch.Generator().manual_seed(0)
    turned = of_features(
        generated[torch.randperm(70, generator=source)], real[torch.randperm(70, generator=source)]
    )
    assert values(metric, turned) == pytest.approx(values(metric, of_features(generated, real)), abs=1e-9)


def test_too_few_images():
    few, many = draws(4, 3), draws(50, 3)
    with pytest.raises(ZooError, match=r"4 images cannot be split into 10 parts; use splits=4"):
        InceptionScore().check(of_features(few))
    with pytest.raises(ZooError, match=r"fid: 1 generated images have no covariance"):
        FID().check(of_features(few[:1], many))
    with pytest.raises(ZooError, match=r"subset_size=1000 is more than the 4 real images; subset_size=4 is"):
        KID().check(of_features(many, few))
    with pytest.raises(
        ZooError, match=r"subset_size=20 is more than the 4 generated images; subset_size=4 is"
    ):
        KID(subset_size=20).check(of_features(few, many))
    with pytest.raises(ZooError, match=r"with 50 generated and 4 real images there is no neighbour number 4"):
        PrecisionRecall(neighbourhood=4).check(of_features(many, few))
