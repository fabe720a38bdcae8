import pytest

from zoo.data.source import open_dataset
from zoo_plugins.datasets.readers.cub import CubFolder
from zoo_plugins.datasets.readers.imagefolder import ImageFolder
from zoo_plugins.datasets.readers.webdataset_shards import WebDatasetShards
from zoo_registry.component import Component
from zoo_registry.errors import ZooError, nearest


class Samples:
    folder_layout = ""

    def __init__(self, source, /):
        self.source = source


class Part(Component):
    def load(self):
        parts = {"cub": CubFolder, "folder": ImageFolder, "aviary": Samples, "webdataset": WebDatasetShards}
        return parts[self.name]


class Parts:
    def of(self, kind):
        names = ("cub", "folder", "aviary", "webdataset")
        return tuple(Part(kind=kind, name=name, target="", summary="") for name in names)

    def get(self, kind, name):
        known = [part.name for part in self.of(kind)]
        raise ZooError(f"no {kind} is called {name!r}{nearest(name, known)}")


def opened(src, **settings):
    return open_dataset(str(src), Parts(), **settings)


@pytest.fixture
def own(tmp_path, write, image):
    image("own/a.png")
    write("own/metadata.jsonl", '{"file_name": "a.png", "text": "x"}')
    return tmp_path / "own"


def test_reader_and_folder(cub):
    dataset = opened(f"cub:{cub}", resolution=64, seed=3)
    assert isinstance(dataset, CubFolder)
    assert (dataset.source.folder, dataset.source.resolution, dataset.source.seed) == (cub, 64, 3)


def test_layout_is_recognised(cub, own):
    assert isinstance(opened(cub), CubFolder)
    assert isinstance(opened(own), ImageFolder)


def test_home(own, monkeypatch):
    monkeypatch.setenv("HOME", str(own.parent))
    assert len(opened("~/own").records("train")) == 1
    assert len(opened("folder:~/own").records("train")) == 1


def test_procedural_data_sets_take_a_count_or_their_own():
    assert opened("aviary").source.argument == ""
    assert opened("aviary:500").source.argument == "500"


def test_a_name_of_a_set_and_of_a_folder_asks_which(own, monkeypatch):
    own.rename(own.with_name("aviary"))
    monkeypatch.chdir(own.parent)
    with pytest.raises(
        ZooError, match=r"'aviary' is a data set of the zoo and a folder here; say which: aviary: "
    ):
        opened("aviary")
    assert isinstance(opened("aviary:"), Samples)
    assert isinstance(opened("./aviary"), ImageFolder)


def test_what_a_reader_takes_need_not_be_a_folder(own, write):
    write("own/x.tar", b"")
    shard = own / "x.tar"
    assert isinstance(opened(f"webdataset:{shard}"), WebDatasetShards)
    with pytest.raises(ZooError, match="there is no such shard"):
        opened("webdataset:gone-{0..3}.tar")
    with pytest.raises(ZooError, match=f"say which: folder:{own} or webdataset:{own}"):
        opened(own)


def test_folder_with_a_colon(own):
    folder = own.rename(own.with_name("own:2"))
    assert isinstance(opened(folder), ImageFolder)


@pytest.mark.parametrize(
    ("src", "told"),
    [
        ("cubb:/data", "no dataset is called 'cubb'; did you mean 'cub'"),
        ("aviry", "neither a folder nor a data set 'aviry'; did you mean 'aviary'"),
        ("/nowhere/at:all", "neither a folder nor a data set '/nowhere/at:all'"),
        ("cub", "cub reads a folder, written cub:DIR"),
        ("cub:/nowhere", "/nowhere does not exist; cub reads a folder"),
    ],
)
def test_mistakes(src, told):
    with pytest.raises(ZooError, match=told):
        opened(src)


def test_file_in_the_place_of_a_folder(own):
    with pytest.raises(ZooError, match="is a file, not a folder"):
        opened(f"folder:{own / 'a.png'}")


def test_layout_that_nobody_knows(tmp_path):
    with pytest.raises(ZooError) as error:
        opened(tmp_path)
    assert "none of the layouts" in str(error.value)
    assert CubFolder.folder_layout in str(error.value)
    assert f"folder:{tmp_path}  {ImageFolder.folder_layout}" in str(error.value)


def test_layout_of_two(cub, write):
    write("metadata.csv", "file_name,text\n")
    with pytest.raises(ZooError, match=f"say which: cub:{cub} or folder:{cub}"):
        opened(cub)
