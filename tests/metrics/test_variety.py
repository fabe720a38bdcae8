"""Diversity, nearest training images, and features that are no numbers."""

import math

import numpy as np
import pytest
import torch
from PIL import Image

from zoo_plugins.metrics.diversity import Diversity
from zoo_plugins.metrics.fid import FID
from zoo_plugins.metrics.inception_score import InceptionScore
from zoo_plugins.metrics.kid import KID
from zoo_plugins.metrics.neighbours import Neighbours
from zoo_plugins.metrics.precision_recall import PrecisionRecall
from zoo_registry.errors import ZooError

from .fake_study import FakeStudy, draws, of_features, records


def per_caption(features, captions):
    """Images of some captions in turn, so that those of one do not lie together."""
    split = records(captions)
    chosen = [(split[number % captions], 0) for number in range(len(features))]
    return FakeStudy(
        split=split,
        generated_of=chosen,
        features={"generated": features},
        per_caption=len(features) // captions,
    )


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_diversity_is_its_definition(distance):
    rows = draws(24, 5) + 1
    score = Diversity(distance=distance).measure(per_caption(rows, 6)).scores["diversity"]

    def apart(a, b):
        if distance == "euclidean":
            return np.linalg.norm(a - b)
        return 1 - a @ b / np.linalg.norm(a) / np.linalg.norm(b)

    x = rows.double().numpy()
    each = [
        np.mean([apart(x[i], x[j]) for i in range(c, 24, 6) for j in range(c, 24, 6) if i < j])
        for c in range(6)
    ]
    assert score.value == pytest.approx(np.mean(each), abs=1e-6)
    assert score.interval[0] < score.value < score.interval[1]
    assert score.count == 24


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_images_that_do_not_uses_their_noise_have_no_diversity(distance):
    same = draws(6, 5).repeat(4, 1)  # each caption its own image, four times
    assert Diversity(distance=distance).measure(per_caption(same, 6)).scores["diversity"].value == 0


def test_diversity_needs_pairs():
    with pytest.raises(ZooError, match=r"fake generates one image per caption.*per_caption=10"):
        Diversity().check(per_caption(draws(6, 5), 6))
    study = per_caption(draws(6, 5), 6)
    study.protocol = type(study.protocol)(name="x", version=1, metric="diversity", images=6, per_caption=2)
    with pytest.raises(ZooError, match=r"no two images are generated of the same caption"):
        Diversity().check(study)


def plain(count, seed, resolution=8):
    """Images of one colour each, whose features are that colour."""
    colours = draws(count, 3, seed=seed).tanh()
    return colours, colours[:, :, None, None].repeat(1, 1, resolution, resolution)


def neighbours_of(generated, real, train, **settings):
    features = {name: pair[0] for name, pair in (("generated", generated), ("real", real), ("train", train))}
    study = of_features(features["generated"], features["real"], features["train"])
    study.images = {"generated": generated[1], "train": train[1]}
    measured = Neighbours(**settings).measure(study)
    return measured.scores["neighbours"], measured.images["neighbours"]


def test_neighbours_is_its_definition():
    generated, real, train = plain(30, 1), plain(20, 2), plain(40, 3)
    score, _ = neighbours_of(generated, real, train)

    def mean(rows):
        return np.mean([min(np.linalg.norm(a - b) for b in train[0].double().numpy()) for a in rows])

    expected = mean(generated[0].double().numpy()) / mean(real[0].double().numpy())
    assert score.value == pytest.approx(expected, abs=1e-6)
    assert score.interval[0] < score.value < score.interval[1]
    assert score.count == 30


def test_copies_are_at_0_and_unseen_images_at_1():
    train = plain(400, 3)
    copies, _ = neighbours_of((train[0][:50], train[1][:50]), plain(100, 2), train)
    assert copies.value == 0
    unseen, _ = neighbours_of(plain(300, 4), plain(300, 5), train)
    assert unseen.interval[0] < 1 < unseen.interval[1]
    wild, _ = neighbours_of((draws(50, 3) * 9, plain(50, 1)[1]), plain(100, 2), train)
    assert wild.value > 5


def test_the_image_of_neighbours():
    generated, real, train = plain(10, 1), plain(10, 2), plain(20, 3)
    _, sheet = neighbours_of(generated, real, train, rows=4)
    assert sheet.size == (4 * 68 + 4, 4 * 68 - 4)  # 8 pixels wide ones are enlarged to 64

    def level(colour):
        return tuple(((colour + 1) * 127.5).round().int().tolist())

    apart = torch.cdist(generated[0].double(), train[0].double())
    first = apart.amin(dim=1).argsort()[:4]  # nearest to a training image first
    for row, number in enumerate(first.tolist()):
        y = row * 68 + 30
        assert sheet.getpixel((30, y)) == level(generated[0][number])
        for column, neighbour in enumerate(apart[number].argsort()[:3].tolist(), start=1):
            assert sheet.getpixel((column * 68 + 38, y)) == level(train[0][neighbour])
        assert sheet.getpixel((66, y)) == (255, 255, 255)
    assert isinstance(sheet, Image.Image)


def test_neighbours_needs_other_images_than_the_training_ones():
    train = plain(20, 3)
    with pytest.raises(ZooError, match=r"all images of the split 'test' are training images"):
        neighbours_of(plain(10, 1), train, train)
    with pytest.raises(ZooError, match=r"2 training images are too few"):
        neighbours_of(plain(10, 1), plain(10, 2), plain(2, 3))


@pytest.mark.parametrize(
    "metric",
    [InceptionScore(), FID(), KID(subset_size=20), PrecisionRecall(), Diversity(), Neighbours()],
    ids=lambda metric: type(metric).__name__,
)
def test_features_that_are_not_finite(metric):
    features = draws(40, 4)
    features[[5, 7], 2] = math.nan
    features[9, 0] = math.inf
    study = per_caption(features, 20)
    study.given |= {"real": draws(40, 4), "train": draws(40, 4)}
    with pytest.raises(ZooError, match=r"the features of 3 of 40 generated images are not finite"):
        metric.measure(study)
