import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zoo.data.check import check
from zoo_plugins.datasets.readers.coco import CocoFolder
from zoo_registry import catalogue
from zoo_registry.contracts import DataSource, Problem
from zoo_registry.testing import check_component

TRAIN = "annotations/captions_train2014.json"


def captions(images):
    """The published form of a file of captions; `images` has the captions of each image by its name."""
    numbered = list(enumerate(images.items(), start=9))
    return {
        "info": {"description": "COCO 2014 Dataset", "year": 2014},
        "licenses": [{"id": 1, "name": "Attribution License"}],
        "images": [
            {"license": 1, "file_name": name, "height": 16, "width": 20, "id": number}
            for number, (name, _) in numbered
        ],
        "annotations": [
            {"image_id": number, "id": 100 * number + place, "caption": caption}
            for number, (_, texts) in numbered
            for place, caption in enumerate(texts)
        ],
    }


def name_of(part, number):
    return f"COCO_{part}_{number:012}.jpg" if part.endswith("2014") else f"{number:012}.jpg"


@pytest.fixture
def coco(tmp_path, write, image):
    """train2014.zip, val2014.zip and annotations_trainval2014.zip as published, three images of them."""
    return layout(tmp_path, write, image, "2014")


def layout(folder, write, image, year, place=""):
    for part, numbers in ((f"train{year}", (9, 25)), (f"val{year}", (42,))):
        named = {name_of(part, n): [f"A plate with {n}  pieces.\n", f"Food, {year}"] for n in numbers}
        for name in named:
            image(f"{place}{part}/{name}")
        write(f"annotations/captions_{part}.json", json.dumps(captions(named)))
        write(f"annotations/instances_{part}.json", "{}")
    return folder


def read(folder):
    return CocoFolder(DataSource(str(folder)))


def test_contract(coco):
    check_component(catalogue().get("dataset", "coco"), folder=coco)


def told(folder, file=TRAIN):
    return [problem.what for problem in read(folder).problems() if problem.file == file]


def test_published_layout(coco):
    dataset = read(coco)
    assert CocoFolder.recognises(coco)
    assert check(dataset) == []
    assert dataset.splits() == ("train", "test")
    assert dataset.fingerprint() is None
    first, second = dataset.records("train")
    assert first.name == "train2014/COCO_train2014_000000000009"
    assert first.image == coco / "train2014/COCO_train2014_000000000009.jpg"
    assert first.captions == ("A plate with 9 pieces.", "Food, 2014")
    assert first.label is None
    assert second.captions[0] == "A plate with 25 pieces."
    assert [record.name for record in dataset.records("test")] == ["val2014/COCO_val2014_000000000042"]


def test_images_below_images(tmp_path, write, image):
    dataset = read(layout(tmp_path, write, image, "2017", place="images/"))
    assert CocoFolder.recognises(tmp_path)
    assert check(dataset) == []
    assert [record.name for record in dataset.records("test")] == ["images/val2017/000000000042"]


def test_of_two_years_the_earlier_unless_only_the_later_has_images(coco, write, image):
    layout(coco, write, image, "2017")
    assert read(coco).records("train")[0].captions[1] == "Food, 2014"
    for part in ("train2014", "val2014"):
        (coco / part).rename(coco / f"{part}.away")
    assert check(read(coco)) == []
    assert read(coco).records("train")[0].captions[1] == "Food, 2017"


@pytest.mark.parametrize("missing", [TRAIN, "val2014"])
def test_missing_file_or_folder(coco, missing):
    (coco / missing).rename(coco / "elsewhere")
    (problem,) = read(coco).problems()
    assert problem.file == missing
    assert "missing; it holds the" in problem.what


def test_folder_without_captions_is_not_recognised(coco):
    (coco / "annotations").rename(coco / "elsewhere")
    assert not CocoFolder.recognises(coco)
    assert len(read(coco).problems()) == 2
    assert read(coco).splits() == ()


def test_image_and_captions_without_each_other(coco, image):
    (coco / "train2014" / name_of("train2014", 9)).unlink()
    image("train2014/COCO_train2014_000000000099.jpg")
    assert list(read(coco).problems()) == [
        Problem(
            "train2014/COCO_train2014_000000000099.jpg", f"image without captions; {TRAIN} has none for it"
        ),
        Problem(TRAIN, "captions without an image; train2014/COCO_train2014_000000000009.jpg is missing"),
    ]
    assert len(read(coco).records("train")) == 1


def test_two_images_of_one_name(coco, write, image):
    image("val2014/COCO_val2014_000000000042.png")
    named = {f"COCO_val2014_000000000042.{ending}": ["x"] for ending in ("jpg", "png")}
    write("annotations/captions_val2014.json", json.dumps(captions(named)))
    (problem,) = read(coco).problems()
    assert problem.file == "val2014/COCO_val2014_000000000042.png"
    assert len(read(coco).records("test")) == 1


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "the file is empty; take it anew"),
        (b'{"images": [', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"images": "\xe9"}', "not UTF-8"),
        (b"[]", "expected an object with a list of images"),
        (b"null", "expected an object"),
        (b'{"images": [], "annotations": {}}', "expected an object"),
    ],
)
def test_damaged_annotations(coco, write, content, what):
    write(TRAIN, content)
    (problem,) = read(coco).problems()
    assert problem.file == TRAIN
    assert what in problem.what
    assert read(coco).splits() == ("test",)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda data: data["images"][0].pop("id"), "images[0]: expected a number, id, and a text, file_name"),
        (lambda data: data["images"].append(3), "images[2]: expected a number"),
        (lambda data: data["images"][0].update(file_name="../x.jpg"), "'../x.jpg' leads out of the folder"),
        (lambda data: data["images"][0].update(file_name="/etc/x.jpg"), "leads out of the folder"),
        (lambda data: data["images"][1].update(id=9), "image 9: two file names"),
        (lambda data: data["annotations"][0].update(image_id=77), "image_id 77 is not the id of an image"),
        (lambda data: data["annotations"][0].update(image_id=[9]), "image_id [9] is not the id of an image"),
        (lambda data: data["annotations"][0].update(caption=" \n"), "the caption of image 9 is empty"),
        (lambda data: data["annotations"][0].update(caption=5), "annotations[0]: the caption 5 is not text"),
        (lambda data: data["annotations"][0].update(caption="\udc00"), "is not UTF-8"),
        (lambda data: data["annotations"][0].pop("caption"), "annotations[0]: the caption None is not text"),
    ],
)
def test_broken_entry_is_reported_by_its_place(coco, write, change, what):
    data = json.loads((coco / TRAIN).read_text())
    change(data)
    write(TRAIN, json.dumps(data))
    assert any(what in text for text in told(coco))
    assert read(coco).records("train")  # the other image still is


def test_empty_image(coco, write):
    write(f"val2014/{name_of('val2014', 42)}", b"")
    assert check(read(coco)) == [Problem(f"val2014/{name_of('val2014', 42)}", "the file is empty")]


values = (
    st.none() | st.integers(8, 11) | st.text(max_size=3) | st.sampled_from([name_of("train2014", 9), "../x"])
)
rows = st.lists(st.dictionaries(st.sampled_from(["id", "file_name", "image_id", "caption"]), values) | values)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=50)
    | st.fixed_dictionaries({"images": rows, "annotations": rows}).map(lambda data: json.dumps(data).encode())
)
def test_anything_becomes_records_or_problems(coco, write, content):
    kept = (coco / TRAIN).read_bytes()
    write(TRAIN, content)
    dataset = read(coco)
    assert dataset.problems()
    assert all(record.captions for split in dataset.splits() for record in dataset.records(split))
    assert "".join(problem.what for problem in dataset.problems()).encode()
    write(TRAIN, kept)
