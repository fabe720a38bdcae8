"""Damaged inputs of every kind, 2,900 together: taken, or refused in a few lines, and no file elsewhere.

`FUZZ_TIMES=20 python -m pytest tests/fuzzing` draws twenty times as many, other ones each time.
"""

from __future__ import annotations

import io
import json
import pickle
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest
import torch
from fuzzing import ODD, ODD_TEXTS, changed, damaged, edits_of_bytes, edits_of_tables, fuzz, places
from hypothesis import strategies as st
from PIL import Image
from small_models import attending
from small_originals import WORDS, generator, text_encoder

import zoo
from zoo.data.check import check, info
from zoo.data.decode import ImageError, decode
from zoo.importing.convert import import_model
from zoo.importing.old_files import read_checkpoint, read_vocabulary
from zoo.models import weights
from zoo.pipeline import save
from zoo.training.dry_run import check_recipe
from zoo_plugins.datasets.readers.cub import CubFolder
from zoo_plugins.datasets.readers.imagefolder import ImageFolder
from zoo_plugins.datasets.readers.webdataset_shards import WebDatasetShards
from zoo_registry import Recipe, catalogue
from zoo_registry.contracts import DataSource, Record


def in_order(dataset: Any) -> bool:
    """Whether a data set has no problems; what it has is described in any case."""
    problems = check(dataset)
    info(dataset)
    return not problems


def encoded(ending: str, mode: str = "RGB") -> bytes:
    file = io.BytesIO()
    Image.linear_gradient("L").resize((20, 16)).convert(mode).save(file, ending)
    return file.getvalue()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "target").mkdir()
    return tmp_path / "target"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "small"
    pipe = attending()
    save(pipe.recipe, pipe.parts, folder)
    return folder


@pytest.fixture(autouse=True, scope="module")
def _warm() -> None:
    """Import, outside of any watch, what the first recipe's networks import."""
    check_recipe(Recipe.read("attngan-aviary", catalogue()))


RECIPE = Recipe.read("attngan-aviary", catalogue()).locked()


def test_recipes_of_odd_values(target: Path) -> None:
    def work(edits: Any) -> bool:
        check_recipe(Recipe.read(changed(RECIPE, edits), catalogue()))
        return True

    fuzz(250, edits_of_tables, target, work)


def test_files_of_recipes(target: Path) -> None:
    text = json.dumps(RECIPE, indent=1).encode()
    toml = b'name = "x"\nextends = "attngan-aviary"\n[train]\nsteps = 5\n[generator]\nnoise_width = 8\n'

    def work(given: Any) -> bool:
        (ending, data), edits = given
        (target / f"r.{ending}").write_bytes(damaged(data, edits))
        Recipe.read(target / f"r.{ending}", catalogue())
        return True

    fuzz(250, st.tuples(st.sampled_from([("json", text), ("toml", toml)]), edits_of_bytes), target, work)


def test_changes_by_set(target: Path) -> None:
    known = [".".join(map(str, place)) for place in places(RECIPE) if all(isinstance(p, str) for p in place)]
    names = st.one_of(
        st.sampled_from(known),
        st.sampled_from(known).flatmap(
            lambda n: st.sampled_from([f"{n}.x", n[:-1], f".{n}", n.upper(), *ODD_TEXTS])
        ),
    )
    values = st.one_of(
        st.sampled_from([json.dumps(value) if value is not None else "null" for value in ODD]),
        st.sampled_from(
            ["3", "0.5", "true", "[16, 32]", "[", "'", '"', "{a=1}", "1_000", "0x10", "2024-01-01"]
        ),
        st.text(max_size=12),
    )

    def work(given: tuple[str, str]) -> bool:
        check_recipe(Recipe.read("attngan-aviary", catalogue(), ["=".join(given)]))
        return True

    fuzz(250, st.tuples(names, values), target, work)


def test_captions(target: Path, model: Path) -> None:
    pipe = zoo.load(model)
    words = st.one_of(
        st.sampled_from(["a", "red", "bird", "with", "black", "wings", *ODD_TEXTS]), st.text(max_size=20)
    )

    def work(caption: str) -> bool:
        assert all(images.isfinite().all() for images in pipe.generate(caption, seed=0).images)
        pipe.unknown(caption)
        return True

    fuzz(150, st.lists(words, max_size=30).map(" ".join), target, work)


@pytest.mark.parametrize(
    ("ending", "mode"),
    [
        ("png", "RGBA"),
        ("png", "P"),
        ("jpeg", "RGB"),
        ("gif", "P"),
        ("bmp", "RGB"),
        ("tiff", "I;16"),
        ("webp", "RGB"),
        ("ppm", "L"),
    ],
)
def test_images(target: Path, ending: str, mode: str) -> None:
    data = encoded(ending, mode)

    def work(edits: Any) -> bool:
        try:
            return decode(Record("x", lambda: damaged(data, edits), ("a bird",)), 16).size == (20, 16)
        except ImageError:
            return False

    fuzz(40, edits_of_bytes, target, work)


TABLES = {
    "metadata.jsonl": b"""{"file_name": "a.png", "text": "a red caf\xc3\xa9"}
{"file_name": "train/b.png", "captions": ["a", "b"], "label": "x"}
""",
    "metadata.csv": b"""file_name,text,label
a.png,"a red bird, on wood",x
train/b.png,"[""a"", ""b""]",y
""",
}


def test_tables(target: Path) -> None:
    (target / "train").mkdir()
    for file in ("a.png", "train/b.png"):
        (target / file).write_bytes(encoded("png"))

    def work(given: Any) -> bool:
        name, edits = given
        for other in TABLES:
            (target / other).unlink(missing_ok=True)
        (target / name).write_bytes(damaged(TABLES[name], edits))
        return in_order(ImageFolder(DataSource(str(target))))

    fuzz(250, st.tuples(st.sampled_from(list(TABLES)), edits_of_bytes), target, work)


def test_rows(target: Path) -> None:
    (target / "a.png").write_bytes(encoded("png"))
    row = {"file_name": "a.png", "captions": ["a bird", "red"], "label": "x", "attributes": {"crown": "red"}}

    def work(edits: Any) -> bool:
        (target / "metadata.jsonl").write_text(json.dumps(changed(row, edits)))
        return in_order(ImageFolder(DataSource(str(target))))

    fuzz(200, edits_of_tables, target, work)


def cub_files() -> dict[str, bytes]:
    names = [f"00{n}.Bird/Bird_{n}" for n in (1, 2, 3)]
    files = {f"images/{name}.jpg": encoded("jpeg") for name in names}
    files |= {f"text/{name}.txt": b"a bird\nit has wings.\n" for name in names}
    files["images.txt"] = "".join(f"{n} {name}.jpg\n" for n, name in enumerate(names, 1)).encode()
    files["bounding_boxes.txt"] = b"1 1.0 2.0 8.0 6.0\n2 1.0 2.0 8.0 6.0\n3 1.0 2.0 8.0 6.0\n"
    files["train_test_split.txt"] = b"1 1\n2 1\n3 0\n"
    files["classes.txt"] = b"1 001.Bird\n2 002.Bird\n3 003.Bird\n"
    files["image_class_labels.txt"] = b"1 1\n2 2\n3 3\n"
    files["trainvalclasses.txt"], files["testclasses.txt"] = b"001.Bird\n002.Bird\n", b"003.Bird\n"
    return files


def test_cub(target: Path) -> None:
    files = cub_files()
    for file, data in files.items():
        (target / file).parent.mkdir(parents=True, exist_ok=True)
        (target / file).write_bytes(data)

    def work(given: Any) -> bool:
        file, edits = given
        (target / file).write_bytes(damaged(files[file], edits))
        try:
            return in_order(CubFolder(DataSource(str(target))))
        finally:
            (target / file).write_bytes(files[file])

    fuzz(200, st.tuples(st.sampled_from(list(files)), edits_of_bytes), target, work)


def shard(compression: str) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=f"w:{compression}") as tar:
        for name, data in (
            ("0.png", encoded("png")),
            ("0.txt", b"a bird"),
            ("b.1.jpg", encoded("jpeg")),
            ("b.1.json", b'{"caption": "b"}'),
        ):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return file.getvalue().rstrip(b"\0") + b"\0" * 1024 if not compression else file.getvalue()


def test_shards(target: Path) -> None:
    shards = [shard(""), shard("gz")]

    def work(given: Any) -> bool:
        data, edits = given
        (target / "x.tar").write_bytes(damaged(data, edits))
        return in_order(WebDatasetShards(DataSource(str(target))))

    fuzz(250, st.tuples(st.sampled_from([shards[0], *shards]), edits_of_bytes), target, work)


def test_configurations_of_models(target: Path, model: Path) -> None:
    shutil.copytree(model, target / "model")
    config = json.loads((model / "config.json").read_text())

    def work(edits: Any) -> bool:
        (target / "model/config.json").write_text(json.dumps(changed(config, edits)))
        zoo.load(target / "model")
        return True

    fuzz(150, edits_of_tables, target, work)


def test_files_of_models(target: Path, model: Path) -> None:
    files = {p.name: p.read_bytes() for p in model.iterdir() if p.is_file()}
    shutil.copytree(model, target / "model")

    def work(given: Any) -> bool:
        name, edits = given
        (target / "model" / name).write_bytes(damaged(files[name], edits))
        try:
            zoo.load(target / "model").generate("a red bird", seed=0)
        finally:
            (target / "model" / name).write_bytes(files[name])
        return True

    fuzz(100, st.tuples(st.sampled_from(sorted(files)), edits_of_bytes), target, work)


def test_safetensors(target: Path) -> None:
    module = torch.nn.BatchNorm1d(3)
    weights.write(target / "x.safetensors", module.state_dict())
    data = (target / "x.safetensors").read_bytes()

    def work(edits: Any) -> bool:
        (target / "x.safetensors").write_bytes(damaged(data, edits))
        weights.put(module, weights.read(target / "x.safetensors"), "x.safetensors")
        return True

    fuzz(200, edits_of_bytes, target, work)


@pytest.mark.parametrize("zipped", [True, False])
def test_bytes_of_old_checkpoints(target: Path, zipped: bool) -> None:
    state = {"state_dict": {"a.weight": torch.ones(2, 3), "a.bias": torch.ones(2)}, "epoch": 3}
    torch.save(state, target / "x.pth", _use_new_zipfile_serialization=zipped)
    data = (target / "x.pth").read_bytes()

    def work(edits: Any) -> bool:
        (target / "x.pth").write_bytes(damaged(data, edits))
        read_checkpoint(target / "x.pth")
        return True

    fuzz(80, edits_of_bytes, target, work)


def test_tensors_of_old_checkpoints(target: Path) -> None:
    states = {"generator": generator(), "text_encoder": text_encoder()}
    (target / "w.pickle").write_bytes(pickle.dumps([["a"], ["b"], dict(enumerate(WORDS)), {}], protocol=2))
    tensors = st.sampled_from(
        [
            torch.ones(()),
            torch.ones(0),
            torch.ones(2),
            torch.ones(2, 2, 2, 2),
            torch.full((4, 4), torch.nan),
            torch.ones(3, dtype=torch.int64),
            *(None, "x", 3),
        ]
    )

    def work(given: Any) -> bool:
        part, where, other, how = given
        state = dict(states[part])
        name = list(state)[int(where * len(state))]
        if how == "set":
            state[name] = other
        elif how == "widen":
            state[name] = torch.cat([state[name], state[name]]) if state[name].dim() else state[name]
        elif how == "remove":
            del state[name]
        else:
            state = {f"module.{key}": value for key, value in state.items()}
        files = {}
        for kind, whole in {**states, part: state}.items():
            torch.save(whole, target / f"{kind}.pth")
            files[kind] = [target / f"{kind}.pth"]
        shutil.rmtree(target / "model", ignore_errors=True)
        try:
            import_model("attngan", files, target / "model", vocabulary=target / "w.pickle")
        except zoo.ZooError:
            assert not (target / "model").exists()
            raise
        return True

    fuzz(
        100,
        st.tuples(
            st.sampled_from(sorted(states)),
            st.floats(0, 1, exclude_max=True),
            tensors,
            st.sampled_from(["set", "widen", "remove", "prefix"]),
        ),
        target,
        work,
    )


def test_vocabularies(target: Path) -> None:
    data = pickle.dumps(
        [["a"], ["b"], dict(enumerate(WORDS)), {word: i for i, word in enumerate(WORDS)}], protocol=2
    )

    def work(edits: Any) -> bool:
        (target / "w.pickle").write_bytes(damaged(data, edits))
        read_vocabulary(target / "w.pickle")
        return True

    fuzz(100, edits_of_bytes, target, work)
