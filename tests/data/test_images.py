from collections import Counter

import numpy as np
import pytest
import torch
from PIL import Image

from zoo.data.images import ImageSet, images_at
from zoo.training.batches import Batches, loader
from zoo.training.schedule import constant
from zoo_registry.contracts import Record
from zoo_registry.errors import ZooError


def coordinates(index):
    """An image whose red is the column, whose green is the row, and whose blue is its number."""
    rows, columns = np.mgrid[:20, :24]
    return Image.fromarray(np.stack([columns, rows, np.full_like(rows, index)], axis=-1).astype(np.uint8))


def records(number=10, labelled=True):
    return [
        Record(
            f"{i}",
            lambda i=i: coordinates(i),
            tuple(f"{i} {k}" for k in range(1 + i % 3)),
            label=f"class {'ba'[i % 2]}" if labelled or i else None,
        )
        for i in range(number)
    ]


@pytest.fixture
def images(tmp_path):
    return ImageSet(records(), resolution=16, margin=20 / 16, fingerprint="f", cache=tmp_path)


def same(first, second):
    if type(first) is tuple:  # the batches of a step
        return len(first) == len(second) and all(map(same, first, second))
    return first.captions == second.captions and all(
        torch.equal(getattr(first, name), getattr(second, name)) for name in ("pixels", "labels", "indices")
    )


def test_what_is_known_of_the_set(images):
    assert len(images) == 10
    assert images.captions[2] == ("2 0", "2 1", "2 2")
    assert images.label_names == ("class a", "class b")
    assert images.labels.tolist() == [1, 0] * 5
    assert images.labels.dtype == torch.int64


def test_without_a_class_each_there_are_no_labels(tmp_path):
    images = ImageSet(records(labelled=False), resolution=16, fingerprint="f", cache=tmp_path)
    assert images.labels is None
    assert images.batch([1], generator=None).labels is None


def test_fingerprint_is_of_images_captions_and_classes(tmp_path, images):
    def fingerprint(records, fingerprint="f"):
        return ImageSet(records, resolution=16, fingerprint=fingerprint, cache=tmp_path / "other").fingerprint

    assert fingerprint(records()) == images.fingerprint
    others = (
        records(labelled=False),
        records(9),
        [*records(9), Record("9", records()[9].image, ("x",), "class a")],
    )
    prints = {fingerprint(other) for other in others} | {fingerprint(records(), "g"), images.fingerprint}
    assert len(prints) == 5


def test_without_a_generator_the_centre_and_the_first_caption(images):
    batch = images.batch([3, 0, 3], generator=None)
    assert batch.pixels.shape == (3, 3, 16, 16)
    assert batch.pixels.dtype == torch.uint8
    assert batch.pixels[:, 0, 0].tolist() == [list(range(4, 20))] * 3  # columns 4 to 19 of 24
    assert batch.pixels[:, 1, :, 0].tolist() == [list(range(2, 18))] * 3  # rows 2 to 17 of 20
    assert batch.pixels[:, 2, 0, 0].tolist() == [3, 0, 3]
    assert batch.captions == ("3 0", "0 0", "3 0")
    assert batch.labels.tolist() == [0, 1, 0]
    assert batch.indices.tolist() == [3, 0, 3]


def test_crops_flips_and_captions_take_every_value_equally(images):
    batch = images.batch([2] * 3000, generator=torch.Generator().manual_seed(0))
    flipped = batch.pixels[:, 0, 0, 0] > batch.pixels[:, 0, 0, -1]
    columns = torch.where(flipped, batch.pixels[:, 0, 0, -1], batch.pixels[:, 0, 0, 0])
    for values, expected in (
        (flipped, {0, 1}),
        (columns, set(range(9))),
        (batch.pixels[:, 1, 0, 0], set(range(5))),
        (batch.captions, {"2 0", "2 1", "2 2"}),
    ):
        counts = Counter(values.int().tolist() if isinstance(values, torch.Tensor) else values)
        assert set(counts) == expected
        assert min(counts.values()) > 0.75 * 3000 / len(expected)
    steps = batch.pixels[:, 0, 0].int().diff(dim=-1)
    assert torch.equal(steps, torch.where(flipped, -1, 1)[:, None].expand(-1, 15))


def test_same_generator_same_batch(images):
    first, second, other = (
        images.batch(range(10), generator=torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert same(first, second)
    assert not torch.equal(first.pixels, other.pixels)


def test_smaller_images_are_of_the_same_crop():
    pixels = torch.zeros(2, 3, 16, 16, dtype=torch.uint8)
    pixels[0, 0, :, 8:] = 255
    pixels[1] = torch.arange(16, dtype=torch.uint8) * 16
    small, large = images_at(pixels, (4, 16))
    assert torch.equal(large, pixels / 127.5 - 1)
    assert small.shape == (2, 3, 4, 4)
    assert small[0, 0, :, 0].tolist() == [-1] * 4
    assert small[0, 0, :, 3].tolist() == [1] * 4
    torch.testing.assert_close(
        small[1, 0, 0, 1:3], large[1, 0, 0, 4:12].reshape(2, 4).mean(1), atol=0.02, rtol=0
    )
    (only,) = images_at(pixels, (4,))
    assert torch.equal(only, small)


def test_a_step_is_the_same_batch_whatever_came_before(images):
    first, second = (
        Batches(images, constant(16, 10, 3), seed=5),
        Batches(images, constant(16, 10, 3), seed=5),
    )
    ahead = [first[step] for step in range(8)]
    assert all(same(ahead[step], second[step]) for step in (7, 2, 5, 0))
    assert not same(ahead[0], Batches(images, constant(16, 10, 3), seed=6)[0])


def test_an_epoch_shows_each_image_once_in_an_order_of_its_own(images):
    batches = Batches(images, constant(16, 10, 5), seed=0)
    assert batches.schedule.steps == 2
    epochs = [
        torch.cat([batches[2 * e][0].indices, batches[2 * e + 1][0].indices]).tolist() for e in range(3)
    ]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]


def test_rest_of_an_epoch_is_left_out(images):
    batches = Batches(images, constant(16, 10, 4), seed=0)
    assert batches.schedule.steps == 2
    shown = torch.cat([batches[0][0].indices, batches[1][0].indices])
    assert len(shown.unique()) == 8


def test_processes_share_the_batch_of_one(images):
    (whole,) = Batches(images, constant(16, 10, 6), seed=1)[3]
    shares = [Batches(images, constant(16, 10, 6), seed=1, rank=rank, world=3)[3][0] for rank in range(3)]
    assert torch.equal(torch.cat([share.pixels for share in shares]), whole.pixels)
    assert sum((share.captions for share in shares), ()) == whole.captions
    assert len(torch.cat([share.indices for share in shares]).unique()) == 6


def test_batch_larger_than_the_set(images):
    with pytest.raises(ZooError, match=r"batch_size is 11, but there are 10 images .* train\.batch_size=8"):
        constant(16, 10, 11)
    with pytest.raises(ZooError, match=r"batch_size: 5 images a step, of 2 processes together"):
        Batches(images, constant(16, 10, 5), seed=0, world=2)


def test_set_without_images():
    with pytest.raises(ZooError, match="no image"):
        ImageSet([], resolution=16, fingerprint=None)


@pytest.mark.parametrize("workers", [0, 2])
def test_loader_resumes_where_it_stopped(images, workers):
    batches = Batches(images, constant(16, 10, 3), seed=0)
    before = torch.random.get_rng_state()
    whole = list(loader(batches, 0, 7))
    resumed = list(loader(batches, 4, 7, workers=workers))
    assert len(whole) == 7
    assert all(same(a, b) for a, b in zip(whole[4:], resumed, strict=True))
    assert isinstance(resumed[0][0].captions, tuple)
    assert torch.equal(torch.random.get_rng_state(), before)
