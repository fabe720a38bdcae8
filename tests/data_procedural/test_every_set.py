"""What every procedural data set keeps to."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np
import pytest
from PIL import Image

from zoo_plugins.datasets.procedural.aviary.dataset import Aviary
from zoo_plugins.datasets.procedural.garden.dataset import Garden
from zoo_plugins.datasets.procedural.portraits.dataset import Portraits
from zoo_registry.contracts import DataSource, Record
from zoo_registry.errors import ZooError


class Facts(NamedTuple):
    """What is known of a set: `lengths` is of nine captions of ten, in words."""

    kind: type[Any]
    classes: tuple[int, int]  # of the splits "train" and "test"
    captions: int  # different ones of a thousand images, at least
    words: tuple[int, int]
    lengths: tuple[int, int]

    def __call__(self, argument: str, resolution: int | None = 64, seed: int = 0) -> Any:
        return self.kind(DataSource(argument=argument, resolution=resolution, seed=seed))


SETS = {
    "aviary": Facts(Aviary, (48, 12), 8100, (100, 200), (4, 18)),
    "garden": Facts(Garden, (40, 10), 7600, (120, 250), (4, 20)),
    "portraits": Facts(Portraits, (64, 16), 9100, (150, 300), (5, 25)),
}


@pytest.fixture(scope="module", params=SETS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def data(name: str) -> Facts:
    return SETS[name]


@pytest.fixture(scope="module")
def splits(data: Facts) -> dict[str, list[Record]]:
    """A thousand images."""
    made = data("1000")
    return {split: list(made.records(split)) for split in made.splits()}


def pixels(record: Record) -> np.ndarray:
    assert callable(record.image)
    return np.asarray(record.image(), dtype=float)


def words(records: list[Record]) -> set[str]:
    return set(re.findall(r"\w+", " ".join(c for record in records for c in record.captions).lower()))


@pytest.mark.parametrize(("resolution", "got"), [(None, 128), (32, 32), (64, 64), (76, 76), (256, 256)])
def test_images_are_rgb_of_the_resolution_asked_for(data: Facts, resolution: int | None, got: int) -> None:
    image = data("2", resolution).records("train")[0].image()
    assert (image.size, image.mode) == ((got, got), "RGB")


def test_same_seed_same_images_and_another_seed_others(data: Facts) -> None:
    made = (data("20"), data("20"), data("20", seed=1))
    for a, b, c in zip(*(one.records("train") for one in made), strict=True):
        assert (a.name, a.captions, a.attributes) == (b.name, b.captions, b.attributes)
        assert (pixels(a) == pixels(b)).all()
        assert (pixels(a) != pixels(c)).any()


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_larger_set_begins_with_the_smaller_one(data: Facts, split: str) -> None:
    for a, b in zip(data("37").records(split), data("300").records(split), strict=False):
        assert (a.name, a.captions, a.attributes, a.label) == (b.name, b.captions, b.attributes, b.label)
        assert (pixels(a) == pixels(b)).all()


def test_every_resolution_shows_the_same_image(data: Facts) -> None:
    for a, b in zip(data("40", 64).records("train"), data("40", 128).records("train"), strict=True):
        halved = np.asarray(b.image().resize((64, 64), Image.Resampling.BOX), dtype=float)
        assert np.abs(halved - pixels(a)).mean() < 3
        assert a.captions == b.captions


def test_classes_of_the_splits_are_disjoint_and_names_unique(
    data: Facts, splits: dict[str, list[Record]]
) -> None:
    train, test = ({record.label for record in splits[split]} for split in ("train", "test"))
    assert (len(train), len(test)) == data.classes
    assert not train & test
    assert len({record.name for records in splits.values() for record in records}) == 1000
    assert len(splits["test"]) == 200


def test_classes_of_a_split_are_equally_frequent(data: Facts) -> None:
    labels = [record.label for record in data(str(10 * data.classes[0])).records("train")]
    assert {labels.count(label) for label in labels} == {8}


def test_training_knows_every_word_of_the_test_captions(splits: dict[str, list[Record]]) -> None:
    assert words(splits["test"]) <= words(splits["train"])


def test_small_sets(data: Facts) -> None:
    assert data("1").splits() == ("train",)
    assert [len(data("2").records(split)) for split in ("train", "test")] == [1, 1]


def test_fingerprint_tells_what_images_depend_on(data: Facts) -> None:
    assert data("").fingerprint() == data("6000").fingerprint()
    others = (data("5"), data("6"), data("5", 76), data("5", seed=3))
    assert len({other.fingerprint() for other in others}) == 4


@pytest.mark.parametrize("argument", ["0", "-5", "many", "1.5", "²", "500 "])
def test_an_argument_that_is_no_count_is_refused_with_the_right_form(
    name: str, data: Facts, argument: str
) -> None:
    with pytest.raises(ZooError, match=f"{name}:500"):
        data(argument)


def test_an_unknown_split_is_refused(data: Facts) -> None:
    with pytest.raises(ZooError, match="did you mean 'train'"):
        data("5").records("trian")


def test_captions_vary_and_keep_to_a_small_vocabulary(data: Facts, splits: dict[str, list[Record]]) -> None:
    records = [record for each in splits.values() for record in each]
    captions = [caption for record in records for caption in record.captions]
    assert len({caption.lower().rstrip(".") for caption in captions}) > data.captions
    assert data.words[0] <= len(words(records)) <= data.words[1]
    lengths = np.array([len(re.findall(r"\w+", caption)) for caption in captions])
    assert np.mean((lengths >= data.lengths[0]) & (lengths <= data.lengths[1])) > 0.9


def test_articles_and_blanks_are_right(splits: dict[str, list[Record]]) -> None:
    captions = [caption.lower() for each in splits.values() for record in each for caption in record.captions]
    assert not re.findall(r"\ba [aeiou]\w+|\ban [^aeiou\W]\w+|  | ,| \.", "\n".join(captions))
