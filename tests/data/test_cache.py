import os
import pickle
import threading

import numpy as np
import pytest
from PIL import Image

from zoo.data.cache import PixelCache, cache_folder, content, open_cache, size_of
from zoo_registry.contracts import Record
from zoo_registry.errors import ZooError


class Samples:
    """Generates images and counts how often."""

    def __init__(self):
        self.count = 0
        self.lock = threading.Lock()

    def records(self, number=4, shade=0):
        def drawer(index):
            def generate():
                with self.lock:
                    self.count += 1
                return Image.new("RGB", (20 + index, 16), (index, shade, 7))

            return generate

        return [Record(f"{index}", drawer(index), ("a",)) for index in range(number)]


def opened(records, folder, fingerprint="f", resolution=8, progress=None):
    return open_cache(records, content(records, fingerprint), resolution, folder, progress)


def test_images_as_they_were_decoded(tmp_path):
    seen = []
    cache = opened(Samples().records(), tmp_path, progress=lambda *done: seen.append(done))
    assert len(cache) == 4
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    for index in range(4):
        assert cache[index].shape == (3, 8, round((20 + index) * 8 / 16))
        assert cache[index].reshape(3, -1).T.tolist() == [[index, 0, 7]] * cache[index][0].size


def test_second_time_decodes_nothing(tmp_path):
    generated = Samples()
    opened(generated.records(), tmp_path)
    opened(generated.records(), tmp_path)
    assert generated.count == 4
    assert len(list(tmp_path.iterdir())) == 1


def test_other_resolutions_sets_boxes_and_splits_have_caches_of_their_own(tmp_path):
    generated = Samples()
    records = generated.records()
    opened(records, tmp_path)
    opened(records, tmp_path, resolution=9)
    opened(records, tmp_path, fingerprint="g")
    opened(records[:2], tmp_path)
    opened([Record("0", records[0].image, ("a",), box=(0.0, 0.0, 8.0, 8.0)), *records[1:]], tmp_path)
    assert len(list(tmp_path.iterdir())) == 5


def test_changed_file_is_decoded_again(tmp_path, image):
    path = image("x.png", "red")
    records = [Record("x", path, ("a",))]
    assert opened(records, tmp_path / "cache", None)[0][:, 0, 0].tolist() == [255, 0, 0]
    before = path.stat()
    image("x.png", "blue")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert opened(records, tmp_path / "cache", None)[0][:, 0, 0].tolist() == [0, 0, 255]


def test_same_content_elsewhere_is_not_decoded_again(tmp_path, image):
    for place in ("a", "b"):
        image(f"{place}/x.png")
        opened([Record("x", tmp_path / place / "x.png", ("a",))], tmp_path / "cache", None)
    assert len(list((tmp_path / "cache").iterdir())) == 1


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-1], lambda b: b + b"x", lambda b: b"", lambda b: b"no", lambda b: b[:20]]
)
def test_damaged_cache_is_made_again(tmp_path, damage):
    generated = Samples()
    path = opened(generated.records(), tmp_path).path
    whole = path.read_bytes()
    path.unlink()
    path.write_bytes(damage(whole))
    opened(generated.records(), tmp_path)
    assert generated.count == 8
    assert path.read_bytes() == whole


def test_interrupted_build_leaves_nothing(tmp_path):
    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        opened(Samples().records(100), tmp_path, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_two_builds_at_a_time(tmp_path):
    generated = Samples()
    whole = [None, None]

    def build(place):
        whole[place] = np.concatenate([pixels.ravel() for pixels in opened(generated.records(30), tmp_path)])

    threads = [threading.Thread(target=build, args=(place,)) for place in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert np.array_equal(*whole)
    assert len(list(tmp_path.iterdir())) == 1


def test_broken_images_are_all_named(tmp_path, image):
    records = [Record(f"{n}", image(f"{n}.png"), ("a",)) for n in range(9)]
    for n in range(1, 8):
        (tmp_path / f"{n}.png").write_bytes(b"")
    with pytest.raises(ZooError, match=r"7 of 9 images(.|\n)*1.png: the file is empty(.|\n)*and 2 more"):
        opened(records, tmp_path / "cache", None)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_worker_maps_the_file_itself(tmp_path):
    cache = opened(Samples().records(), tmp_path)
    sent = pickle.dumps(cache)
    assert len(sent) < 1000
    assert isinstance(copy := pickle.loads(sent), PixelCache)
    assert np.array_equal(copy[3], cache[3])


def test_folder_and_size(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "c"))
    assert cache_folder() == tmp_path / "c"
    assert size_of(cache_folder()) == 0
    cache = opened(Samples().records(), None)
    assert size_of(cache_folder()) == cache.path.stat().st_size > 4 * 3 * 8 * 10
    monkeypatch.delenv("ZOO_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_folder() == tmp_path / ".cache" / "t2i-zoo"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
    assert cache_folder() == tmp_path / "x" / "t2i-zoo"


def test_procedural_data_set_needs_a_fingerprint(tmp_path):
    with pytest.raises(ZooError, match="fingerprint"):
        opened(Samples().records(), tmp_path, None)
