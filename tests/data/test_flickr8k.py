import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zoo.data.check import check
from zoo_plugins.datasets.readers.flickr8k import Flickr8kFolder
from zoo_registry import catalogue
from zoo_registry.contracts import DataSource, Problem
from zoo_registry.testing import check_component

NAMES = ("1000268201_693b08cb0e", "1001773457_577c3a7d70", "1002674143_1b742ab4b8", "1003163366_44323f5815")
TOKENS = "Flickr8k.token.txt"
CAPTIONS = [f"{name}.jpg#{place}\tA dog  number {place} runs ." for name in NAMES for place in range(5)]
LISTS = {"train": "trainImages", "dev": "devImages", "test": "testImages"}


@pytest.fixture
def flickr(tmp_path, write, image):
    """Flickr8k_Dataset.zip and Flickr8k_text.zip as published: with the captions of an image never shipped,
    and with an image that is in no list."""
    for name in NAMES:
        image(f"Flicker8k_Dataset/{name}.jpg")
    lost = [f"2258277193_586949ec62.jpg.1#{place}\tpeople waiting" for place in range(5)]
    write(TOKENS, "\n".join(CAPTIONS + lost) + "\n")
    for name, place in zip(LISTS.values(), NAMES, strict=False):
        write(f"Flickr_8k.{name}.txt", f"{place}.jpg\n")
    write("Flickr8k.lemma.token.txt", "")
    write("readme.txt", "")
    return tmp_path


def read(folder):
    return Flickr8kFolder(DataSource(str(folder)))


def test_contract(flickr):
    check_component(catalogue().get("dataset", "flickr8k"), folder=flickr)


def problems(folder):
    return {problem.file: problem.what for problem in read(folder).problems()}


def test_published_layout(flickr):
    dataset = read(flickr)
    assert Flickr8kFolder.recognises(flickr)
    assert check(dataset) == []
    assert dataset.splits() == ("train", "validation", "test")
    assert dataset.fingerprint() is None
    (record,) = dataset.records("train")
    assert (record.name, record.label) == (NAMES[0], None)
    assert record.image == flickr / f"Flicker8k_Dataset/{NAMES[0]}.jpg"
    assert record.captions == tuple(f"A dog number {place} runs ." for place in range(5))
    assert [record.name for record in dataset.records("validation")] == [NAMES[1]]
    assert [record.name for record in dataset.records("test")] == [NAMES[2]]


def test_texts_in_a_folder_and_the_name_spelt_right(flickr):
    (flickr / "Flickr8k_text").mkdir()
    for file in list(flickr.glob("*.txt")):
        file.rename(flickr / "Flickr8k_text" / file.name)
    (flickr / "Flicker8k_Dataset").rename(flickr / "Flickr8k_Dataset")
    assert Flickr8kFolder.recognises(flickr)
    assert check(read(flickr)) == []
    assert len(read(flickr).records("train")) == 1


@pytest.mark.parametrize("missing", ["Flicker8k_Dataset", TOKENS, "Flickr_8k.devImages.txt"])
def test_missing(flickr, missing):
    (flickr / missing).rename(flickr / "elsewhere")
    assert "missing; it" in problems(flickr)[missing]
    assert read(flickr).splits() == (("train", "test") if missing.endswith("devImages.txt") else ())
    assert Flickr8kFolder.recognises(flickr) == (missing != TOKENS)


def test_image_and_captions_without_each_other(flickr, write, image):
    (flickr / f"Flicker8k_Dataset/{NAMES[3]}.jpg").unlink()
    image("Flicker8k_Dataset/new.jpg")
    assert list(read(flickr).problems()) == [
        Problem(TOKENS, f"captions without an image; Flicker8k_Dataset/{NAMES[3]}.jpg is missing"),
        Problem("Flicker8k_Dataset/new.jpg", f"image without captions; {TOKENS} has none for it"),
    ]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"no tab and no number", "line 6: 'no tab and no number' is not NAME.jpg#0, a tab and a caption"),
        (f"{NAMES[0]}.jpg\tno number".encode(), "is not NAME.jpg#0"),
        (b"../up.jpg#0\tup", "line 6: '../up.jpg' leads out of the folder"),
        (f"{NAMES[0]}.jpg#5\t ".encode(), f"line 6: the caption of {NAMES[0]}.jpg is empty"),
        (f"{NAMES[0]}.jpg#5\tbl".encode() + b"\xe9", "line 6: not UTF-8; the caption is left out"),
    ],
)
def test_broken_line(flickr, write, line, told):
    lines = [text.encode() for text in CAPTIONS]
    write(TOKENS, b"\r\n".join([*lines[:5], line, b"", *lines[5:]]))
    (problem,) = read(flickr).problems()
    assert problem.file == TOKENS
    assert told in problem.what
    assert len(read(flickr).records("train")[0].captions) == 5


def test_broken_lists(flickr, write):
    write("Flickr_8k.devImages.txt", f"gone.jpg\n{NAMES[0]}.jpg\n")
    write("Flickr_8k.testImages.txt", "")
    assert list(read(flickr).problems()) == [
        Problem("Flickr_8k.devImages.txt", "line 1: there is no image 'gone.jpg'"),
        Problem(
            "Flickr_8k.devImages.txt", f"line 2: {NAMES[0]}.jpg is in the split 'train' too; it stays there"
        ),
        Problem("Flickr_8k.devImages.txt", "no image is in the split 'validation'"),
        Problem("Flickr_8k.testImages.txt", "no image is in the split 'test'"),
    ]


def test_empty_image(flickr, write):
    write(f"Flicker8k_Dataset/{NAMES[0]}.jpg", b"")
    assert check(read(flickr)) == [Problem(f"Flicker8k_Dataset/{NAMES[0]}.jpg", "the file is empty")]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([TOKENS, "Flickr_8k.trainImages.txt"]),
    st.binary(max_size=60) | st.text(f"{NAMES[0]}.jpg#0\t\n ", max_size=60).map(str.encode),
)
def test_any_bytes_become_records_or_problems(flickr, write, file, content):
    kept = (flickr / file).read_bytes()
    write(file, content)
    dataset = read(flickr)
    assert dataset.problems() or len(dataset.splits()) == 3
    assert all(record.captions for split in dataset.splits() for record in dataset.records(split))
    write(file, kept)
