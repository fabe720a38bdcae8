import io
import pickle
import sys

import datasets
import pandas
import pyarrow.parquet
import pytest
from PIL import Image

from zoo.data.cache import content, open_cache
from zoo.data.decode import record_image
from zoo_plugins.datasets.readers.hub import HubDataset
from zoo_registry import catalogue
from zoo_registry.contracts import DataSource, Problem
from zoo_registry.errors import ZooError
from zoo_registry.testing import check_component

COLOURS = ("red", "lime", "blue")


def encoded(colour):
    file = io.BytesIO()
    Image.new("RGB", (20, 16), colour).save(file, "PNG")
    return file.getvalue()


def table(columns=None, **kinds):
    columns = columns or {
        "image": [{"bytes": encoded(colour), "path": None} for colour in COLOURS],
        "text": ["a  red wall", "green", "blue "],
        "label": [1, 0, -1],
    }
    kinds = kinds or {
        "image": datasets.Image(),
        "text": datasets.Value("string"),
        "label": datasets.ClassLabel(names=["plain", "wall"]),
    }
    return datasets.Dataset.from_dict(columns, features=datasets.Features(kinds))


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The library's caches, in the test's folder, and no way out of it."""
    datasets.disable_progress_bars()
    for name in ("HF_CACHE_HOME", "HF_DATASETS_CACHE"):
        monkeypatch.setattr(datasets.config, name, tmp_path / "cache")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return tmp_path / "cache"


@pytest.fixture
def saved(tmp_path):
    """What save_to_disk writes."""
    whole = datasets.DatasetDict(train=table(), test=table().select([2]))
    whole.save_to_disk(tmp_path / "saved")
    return tmp_path / "saved"


def read(argument):
    return HubDataset(DataSource(str(argument)))


def test_contract(saved):
    check_component(catalogue().get("dataset", "hf"), folder=saved)


def colours(records):
    return [record_image(record).getpixel((3, 3)) for record in records]


def test_saved_folder(saved):
    dataset = read(saved)
    assert HubDataset.recognises(saved)
    assert dataset.problems() == ()
    assert dataset.splits() == ("train", "test")
    assert [(r.name, r.captions, r.label) for r in dataset.records("train")] == [
        ("train/00000000", ("a red wall",), "wall"),
        ("train/00000001", ("green",), "plain"),
        ("train/00000002", ("blue",), None),
    ]
    assert colours(reversed(dataset.records("train"))) == [(0, 0, 255), (0, 255, 0), (255, 0, 0)]
    assert colours(dataset.records("test")) == [(0, 0, 255)]


def test_saved_without_splits(tmp_path):
    table().save_to_disk(tmp_path / "one")
    assert HubDataset.recognises(tmp_path / "one")
    assert read(tmp_path / "one").splits() == ("train",)


def test_parquet_as_repositories_have_it(tmp_path, saved):
    (tmp_path / "repo/data").mkdir(parents=True)
    for split, rows in {"train": table(), "test": table().select([2])}.items():
        rows.to_parquet(tmp_path / f"repo/data/{split}-00000-of-00001.parquet")
    dataset = read(tmp_path / "repo")
    assert HubDataset.recognises(tmp_path / "repo")
    assert not HubDataset.recognises(tmp_path)
    assert [r.captions for r in dataset.records("train")] == [("a red wall",), ("green",), ("blue",)]
    assert dataset.splits() == ("train", "test")
    assert dataset.fingerprint() == read(saved).fingerprint()


@pytest.mark.parametrize("cells", [encoded, lambda colour: {"bytes": encoded(colour), "path": "x.png"}])
def test_parquet_of_other_writers(tmp_path, cells):
    rows = pandas.DataFrame({"jpg": [cells(colour) for colour in COLOURS], "words": ["r", "g", "b"]})
    (tmp_path / "own").mkdir()
    rows.to_parquet(tmp_path / "own/train.parquet")
    records = read(tmp_path / "own").records("train")
    assert [record.captions for record in records] == [("r",), ("g",), ("b",)]
    assert colours(records) == [(255, 0, 0), (0, 255, 0), (0, 0, 255)]


def test_columns_by_type_and_name(tmp_path):
    cells = [{"bytes": encoded("red"), "path": None}]
    texts = datasets.List(datasets.Value("string"))
    columns = {
        "mask": cells,
        "image": cells,
        "captions": [["one", " ", "two"]],
        "caption": ["two"],
        "url": ["u"],
    }
    kinds = {"mask": datasets.Image(), "image": datasets.Image(), "captions": texts}
    kinds |= {"caption": datasets.Value("string"), "url": datasets.Value("string")}
    table(columns, **kinds).save_to_disk(tmp_path / "some")
    (record,) = read(tmp_path / "some").records("train")
    assert (record.captions, record.label) == (("one", "two"), None)


@pytest.mark.parametrize(
    ("renamed", "told"),
    [
        (
            {"image": "a"},
            "of the columns a, b, text, label a, b can be the images; expected one, or one called image",
        ),
        ({"text": "url"}, "none is known to hold captions; call it captions"),
    ],
)
def test_columns_that_leave_a_doubt(tmp_path, renamed, told):
    rows = table().add_column("b", [{"bytes": encoded("red"), "path": None}] * 3, feature=datasets.Image())
    rows = rows.select_columns(["image", "b", "text", "label"]).add_column("more", ["x"] * 3)
    rows = rows.rename_columns(renamed)
    rows = rows if "url" in rows.column_names else rows.remove_columns("more")
    rows.save_to_disk(tmp_path / "some")
    with pytest.raises(ZooError, match=told):
        read(tmp_path / "some").splits()


def test_no_image_at_all(tmp_path):
    table().remove_columns("image").save_to_disk(tmp_path / "some")
    with pytest.raises(ZooError, match="of the columns text, label none can be the images"):
        read(tmp_path / "some").splits()


def test_broken_rows(tmp_path, image, cache):
    outside, inside, cached = (
        image("outside.png"),
        image("some/inside.png", "lime"),
        image("cache/x.png"),
    )
    cells = [
        {"bytes": encoded("red"), "path": None},
        {"bytes": None, "path": None},
        {"bytes": b"", "path": None},
        {"bytes": None, "path": str(outside)},
        {"bytes": None, "path": str(tmp_path / "some/../outside.png")},
        {"bytes": None, "path": str(inside)},
        {"bytes": None, "path": str(cached)},
        {"bytes": None, "path": str(tmp_path / "some/gone.png")},
        {"bytes": encoded("red"), "path": None},
        {"bytes": encoded("red"), "path": None},
    ]
    kind = pyarrow.struct({"bytes": pyarrow.binary(), "path": pyarrow.string()})
    rows = pyarrow.table({"image": pyarrow.array(cells, kind), "text": [*(["x"] * 8), " ", None]})
    pyarrow.parquet.write_table(rows, tmp_path / "some/train.parquet")
    dataset = read(tmp_path / "some")
    out = f"the image '{outside}' is neither in the folder nor in the library's cache"
    climbing = (
        f"the image '{tmp_path}/some/../outside.png' is neither in the folder nor in the library's cache"
    )
    assert list(dataset.problems()) == [
        Problem("train", "row 1: there is no image"),
        Problem("train", "row 2: the image is empty"),
        Problem("train", f"row 3: {out}"),
        Problem("train", f"row 4: {climbing}"),
        Problem("train", f"row 7: the image '{tmp_path}/some/gone.png' is missing"),
        Problem("train", "row 8: no caption in text"),
        Problem("train", "row 9: no caption in text"),
    ]
    assert colours(dataset.records("train")) == [(255, 0, 0), (0, 255, 0), (255, 0, 0)]


def test_cache_and_fingerprint(saved, tmp_path):
    dataset = read(saved)
    records = dataset.records("train")
    pixels = open_cache(records, content(records, dataset.fingerprint()), 8, tmp_path / "pixels")
    assert pixels[1][:, 0, 0].tolist() == [0, 255, 0]
    columns = {"image": [{"bytes": encoded("white"), "path": None}], "text": ["x"]}
    table(columns, image=datasets.Image(), text=datasets.Value("string")).save_to_disk(tmp_path / "other")
    assert read(tmp_path / "other").fingerprint() != dataset.fingerprint() == read(saved).fingerprint()


def test_record_travels_to_another_process(saved):
    record = pickle.loads(pickle.dumps(read(saved).records("train")[1]))
    assert record_image(record).getpixel((0, 0)) == (0, 255, 0)


def test_offline(saved):
    with pytest.raises(
        ZooError, match=r"hf:org/birds cannot be read: (.|\n)*offline, hf:DIR reads a set that"
    ):
        read("org/birds").splits()


@pytest.mark.parametrize("argument", ["", "./gone", "/gone", "a/b/c"])
def test_neither_a_folder_nor_a_name(argument):
    with pytest.raises(ZooError, match="there is no such folder, and it is no name of a data set"):
        read(argument)


def test_damaged_folder(saved):
    for file in saved.rglob("*.arrow"):
        file.write_bytes(b"no")
    with pytest.raises(ZooError, match=r"cannot be read: (.|\n)*expected a folder that save_to_disk wrote"):
        read(saved).splits()


def test_folder_of_something_else(tmp_path):
    (tmp_path / "empty").mkdir()
    assert not HubDataset.recognises(tmp_path / "empty")
    with pytest.raises(ZooError, match="expected a folder that save_to_disk wrote"):
        read(tmp_path / "empty").splits()


def test_without_the_library(saved, monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(ZooError, match=r"needs datasets; install it with: pip install 't2i-zoo\[data\]'"):
        read(saved).splits()
