import io
import tarfile

import pytest
from PIL import Image

from zoo.data.check import check, info
from zoo.data.make import make
from zoo_plugins.datasets.readers.cub import CubFolder
from zoo_plugins.datasets.readers.imagefolder import ImageFolder
from zoo_plugins.datasets.readers.webdataset_shards import WebDatasetShards
from zoo_registry.contracts import Dataset, DataSource, Record
from zoo_registry.errors import ZooError

TRAIN = "001.Black_footed_Albatross/Black_footed_Albatross_000"
TEST = "003.Sooty_Albatross/Sooty_Albatross_000"


class Samples(Dataset):
    """A procedural data set with what the folder reader has to return: nested names, captions, attributes."""

    source = DataSource("")
    folder_layout = ""

    def splits(self):
        return ("train", "test")

    def records(self, split):
        return [
            Record(
                f"{split}-{number // 2}/{number}",
                lambda number=number: Image.new("RGB", (9, 8), (number, 1, 2)),
                tuple(f"a “{split}” bird, {number} {k}" for k in range(number + 1)),
                label=f"{number // 2}",
                attributes={"wing": "red", "tail": f"{number}"},
                stated=tuple(frozenset(["wing", "tail"][: k % 3]) for k in range(number + 1)),
            )
            for number in range(3)
        ]

    def problems(self):
        return ()

    def fingerprint(self):
        return "generated"


def test_images_that_cannot_be_decoded_are_reported_by_file(cub, write):
    write(f"images/{TEST}1_1.jpg", (cub / f"images/{TEST}1_1.jpg").read_bytes()[:-30])
    write(f"images/{TRAIN}1_1.jpg", b"")
    write(f"images/{TRAIN}2_2.jpg", b"not an image")
    write(f"text/{TEST}2_2.txt", "")
    seen = []
    found = check(CubFolder(DataSource(str(cub))), lambda *done: seen.append(done))
    assert [problem.file for problem in found] == [
        f"images/{TRAIN}1_1.jpg",
        f"images/{TRAIN}2_2.jpg",
        f"images/{TEST}1_1.jpg",
        f"text/{TEST}2_2.txt",
    ]
    assert "empty" in found[0].what
    assert "not an image" in found[1].what
    assert "truncated" in found[2].what.lower()
    assert seen[-1] == (5, 5)


def test_images_inside_shards_are_decoded_and_measured_too(tmp_path):
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        for key, data in (("a", png((20, 16))), ("b", png((30, 40))), ("c", png((9, 9))[:100])):
            for ending, content in (("png", data), ("txt", b"x")):
                member = tarfile.TarInfo(f"{key}.{ending}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    dataset = WebDatasetShards(DataSource(str(tmp_path)))
    (problem,) = check(dataset)
    assert problem.file == "x/c"
    assert "cannot be decoded" in problem.what
    assert info(dataset)["splits"]["train"]["resolution"] == {"min": 9, "median": 16, "max": 30}


def png(size):
    file = io.BytesIO()
    Image.effect_noise(size, 50).save(file, "PNG")
    return file.getvalue()


def test_sound_data_has_no_problems(cub):
    assert check(CubFolder(DataSource(str(cub)))) == []
    assert check(Samples()) == []


def test_info(cub, write):
    write(f"text/{TEST}1_1.txt", "a zebra finch\n")
    told = info(CubFolder(DataSource(str(cub))))
    train, test = told["splits"]["train"], told["splits"]["test"]
    assert told["problems"] == 0
    assert (train["images"], train["captions"], train["classes"]) == (4, 8, 2)
    assert train["words_per_caption"] == {"min": 3, "median": 3.5, "max": 4}
    assert train["vocabulary"] == 8  # a bird called black laysan it has wings
    assert train["resolution"] == {"min": 16, "median": 16, "max": 16}
    assert test["captions_per_image"] == {"min": 1, "median": 1.5, "max": 2}
    assert test["unseen_words"] == 0.3  # zebra, finch and sooty of ten
    assert test["unseen_vocabulary"] == round(3 / 9, 4)
    assert test["classes_of_train"] == 0


def test_info_of_generated_images():
    assert info(Samples())["splits"]["train"]["resolution"] == {"min": 8, "median": 8, "max": 8}


def test_made_folder_gives_the_same_records(tmp_path):
    generated = Samples()
    seen = []
    make(generated, tmp_path / "made", lambda *done: seen.append(done))
    read = ImageFolder(DataSource(str(tmp_path / "made")))
    assert check(read) == []
    assert read.splits() == generated.splits()
    for split in generated.splits():
        for made, expected in zip(read.records(split), generated.records(split), strict=True):
            assert (made.name, made.captions, made.label) == (
                expected.name,
                expected.captions,
                expected.label,
            )
            assert (made.attributes, made.stated) == (expected.attributes, expected.stated)
            with Image.open(made.image) as image:
                assert image.tobytes() == expected.image().tobytes()
    assert seen[-1] == (6, 6)
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_make_takes_an_empty_folder_and_no_other(tmp_path, write):
    (tmp_path / "empty").mkdir()
    make(Samples(), tmp_path / "empty")
    assert (tmp_path / "empty/test/metadata.jsonl").exists()
    write("full/mine.txt", "x")
    for taken in ("full", "full/mine.txt"):
        with pytest.raises(ZooError, match="there already and not empty"):
            make(Samples(), tmp_path / taken)
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]


def test_interrupted_make_leaves_nothing(tmp_path):
    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(Samples(), tmp_path / "made", stop)
    assert list(tmp_path.iterdir()) == []
