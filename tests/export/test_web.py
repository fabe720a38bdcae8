"""What `zoo export --format web` writes, and where it takes the runtime from. Needs no browser and no npm."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small_models
from PIL import Image
from tiny_pipeline import made
from typer.testing import CliRunner

from zoo.cli import app
from zoo.export.onnx_pipeline import torch_normal
from zoo.export.to_onnx import NEAR
from zoo.export.web import runtime
from zoo.export.web.graphs import Graphs, generated, write_graphs
from zoo.export.web.runtime import FILES, VERSION, find_runtime
from zoo.export.web.write import _names, write_web
from zoo.pipeline import Pipeline
from zoo_registry import ZooError

CAPTION = "a small red bird with black wings"


def package(folder: Path, version: str = VERSION, leave_out: str = "") -> Path:
    """A folder that looks like the npm package, whose files say their own names."""
    (folder / "dist").mkdir(parents=True)
    (folder / "package.json").write_text(json.dumps({"name": "onnxruntime-web", "version": version}))
    for name in set(FILES) - {leave_out} | {"ort.all.min.js"}:
        (folder / "dist" / name).write_text(name)
    return folder


def npm(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command `npm` that does what a script says, and no other; python and the shell stay."""
    folder.mkdir(exist_ok=True)
    (folder / "npm").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that attends to words, one that reads characters, and one without text."""
    folder = tmp_path_factory.mktemp("models")
    small_models.attending().save_pretrained(folder / "birds")
    small_models.styled().save_pretrained(folder / "flowers")
    small_models.wordless().save_pretrained(folder / "shapes")
    config = json.loads((folder / "birds/config.json").read_text(encoding="utf-8"))
    captions = ["zorbly", "two\nlines", 301 * "x", CAPTION, "a big zorbly blue bird"]
    config["about"] = {"data": "aviary", "captions": captions}
    (folder / "birds/config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def written(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("web") / "out"
    names = [str(models / name) for name in ("birds", "flowers", "shapes")]
    return write_web(names, out, runtime=package(tmp_path_factory.mktemp("package") / "package"))


def description(written: Path, name: str) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(
        (written / "models" / name / "model.json").read_text(encoding="utf-8")
    )
    return message


def test_the_folder_holds_the_page_the_needed_runtime_and_the_models(written: Path) -> None:
    assert {path.name for path in written.iterdir()} == {
        "index.html",
        "style.css",
        "icon.svg",
        "js",
        "models",
        "models.json",
        "runtime",
    }
    assert {path.name for path in (written / "runtime").iterdir()} == set(FILES.values())
    assert (written / "runtime/ort.wasm.js").read_text() == "ort.wasm.bundle.min.mjs"
    files = {
        name: {path.name for path in (written / "models" / name).iterdir()} for name in ("birds", "shapes")
    }
    assert files["birds"] == {"text.onnx", "image.onnx", "model.json", "sample.png"}
    assert files["shapes"] == {"image.onnx", "model.json", "sample.png"}
    index = json.loads((written / "models.json").read_text())
    assert index["runtime"] == VERSION
    assert [entry["name"] for entry in index["models"]] == ["birds", "flowers", "shapes"]
    assert index["sizes"]["runtime/ort.wasm"] == len("ort-wasm-simd-threaded.wasm")
    assert all((written / path).stat().st_size == size for path, size in index["sizes"].items())


def test_a_model_tells_how_it_reads_and_what_it_may_be_asked(written: Path, models: Path) -> None:
    birds = description(written, "birds")
    pipe = Pipeline.from_pretrained(models / "birds", device="cpu")
    assert birds["captions"] == [CAPTION, "a big zorbly blue bird"], "of one line, with a word that it knows"
    words = json.loads((models / "birds/vocabulary.json").read_text())["words"]
    assert birds["tokens"]["words"] == words
    assert (birds["resolution"], birds["noise_width"]) == (32, pipe.parts.generator.spec.noise_width)
    assert birds["attention"] == ["attention_0"]
    flowers = description(written, "flowers")
    assert flowers["tokens"]["scheme"] == "characters"
    assert flowers["attention"] == []
    assert description(written, "shapes")["tokens"] is None
    assert description(written, "shapes")["captions"] == []


@pytest.mark.parametrize(("name", "caption"), [("birds", CAPTION), ("shapes", "")])
def test_a_visitor_first_sees_what_the_model_generates(
    written: Path, models: Path, name: str, caption: str
) -> None:
    expected = Pipeline.from_pretrained(models / name, device="cpu")(caption, seed=0, images=4)
    with Image.open(written / "models" / name / "sample.png") as sample:
        for place, image in enumerate(expected):
            left = place * image.width
            found = sample.crop((left, 0, left + image.width, image.height))
            np.testing.assert_array_equal(np.asarray(found), np.asarray(image))


def test_no_path_of_the_machine_is_in_the_folder(written: Path, models: Path) -> None:
    for path in written.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert str(models).encode() not in content, path
            assert str(Path(__file__).parents[2]).encode() not in content, path


@pytest.mark.parametrize(
    "parts",
    [
        {"text_encoder": "bilstm", "conditioning": "augmentation", "generator": "attention-stages"},
        {"text_encoder": "lstm", "conditioning": "projection", "generator": "memory-stages"},
        {"text_encoder": "char-cnn-rnn", "conditioning": "identity", "generator": "deep-fusion"},
    ],
)
def test_the_graphs_generate_what_the_pipeline_does(parts: dict[str, str], tmp_path: Path) -> None:
    pipe = made(**parts)
    caption = "the bird is blue"
    graphs = write_graphs(pipe, tmp_path, caption)
    expected = pipe.generate(caption, 5, 2)
    found = generated(pipe, graphs, caption, 5, 1)
    for tensor, array in zip((expected.images[-1], *expected.attention), found.values(), strict=True):
        np.testing.assert_allclose(array[0], tensor[1].numpy(), rtol=0, atol=NEAR)


def test_what_lies_between_two_captions_can_be_generated(tmp_path: Path) -> None:
    pipe = made(text_encoder="bilstm", conditioning="augmentation", generator="attention-stages")
    ends = ("the bird is blue", "a red bird")
    graphs = write_graphs(pipe, tmp_path, ends[0])
    texts = [graphs.read(*(t.numpy() for t in pipe.tokens([caption]) or ())) for caption in ends]
    repeated = [np.repeat(text["words"], 12 // text["words"].shape[1], axis=1) for text in texts]
    between = {
        "sentence": (texts[0]["sentence"] + texts[1]["sentence"]) / 2,
        "words": (repeated[0] + repeated[1]) / 2,
        "mask": np.ones((1, 12), bool),
    }
    noise, code_noise = torch_normal(3, 0, (pipe.parts.generator.spec.noise_width, pipe.parts.code_width))
    found = graphs.generate(noise[None], code_noise[None], between)["image"]
    expected = pipe.interpolate(*ends, steps=3, seed=3)[1, 0]
    np.testing.assert_allclose(found[0], expected.numpy(), rtol=0, atol=NEAR)


def test_graphs_that_differ_from_torch_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Graphs.generate

    def other(self: Graphs, *given: Any) -> Any:
        return {name: array + 0.1 for name, array in run(self, *given).items()}

    monkeypatch.setattr(Graphs, "generate", other)
    with pytest.raises(
        ZooError, match=r"differ from torch's by up to 0\.1 of a range of 2, expected 0\.0001"
    ):
        write_graphs(made(generator="dcgan", discriminator="dcgan"), tmp_path, "")


def test_names_are_fit_for_folders_and_differ() -> None:
    names = _names(
        ["runs/Ada's birds/", "other/ada-s-birds", "runs/x/model", "ada/flowers@v1.0", "runs/x/model"]
    )
    assert list(names.values()) == ["ada-s-birds", "ada-s-birds-2", "x", "flowers"]


def test_a_tokenizer_that_the_page_does_not_have_is_named(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = Pipeline.from_pretrained(models / "birds", device="cpu")
    monkeypatch.setattr(type(pipe.parts.text_encoder), "tokenizer_config", lambda self: {"scheme": "pieces"})
    with pytest.raises(ZooError, match=r"by words or characters, .* got 'bilstm' with 'pieces'"):
        write_web([str(models / "birds")], tmp_path / "out", runtime=package(tmp_path / "package"))
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_not_empty_stays_as_it_is(models: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/letter.txt").write_text("dear")
    with pytest.raises(ZooError, match="out exists and is not empty; expected a new folder"):
        write_web([str(models / "birds")], tmp_path / "out", runtime=package(tmp_path / "package"))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["letter.txt"]


# The runtime


@pytest.mark.parametrize("inner", ["", "dist"])
def test_a_given_folder_is_taken(inner: str, tmp_path: Path) -> None:
    folder = package(tmp_path / "package", version="1.99.0")
    assert find_runtime(folder / inner).version == "1.99.0"
    find_runtime(folder / inner).copy(tmp_path / "out")
    assert (tmp_path / "out/ort.webgpu.wasm").read_text() == "ort-wasm-simd-threaded.jspi.wasm"


def test_a_given_folder_without_a_needed_file_is_refused(tmp_path: Path) -> None:
    folder = package(tmp_path / "package", leave_out="ort-wasm-simd-threaded.wasm")
    with pytest.raises(ZooError, match=r"got one without dist/ort-wasm-simd-threaded\.wasm"):
        find_runtime(folder)


def test_npm_is_asked_once_for_the_pinned_version(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tarfile.open(tmp_path / "made.tgz", "w:gz") as archive:
        archive.add(package(tmp_path / "made"), "package")
    npm(tmp_path / "bin", f'echo "$@" >> {tmp_path}/asked; cp {tmp_path}/made.tgz here.tgz', monkeypatch)
    for _ in range(2):
        found = find_runtime()
        assert found.folder.is_relative_to(cache)
        assert not found.missing()
        assert found.version == VERSION
    asked = (tmp_path / "asked").read_text().splitlines()
    assert len(asked) == 1
    assert f"pack onnxruntime-web@{VERSION}" in asked[0]
    kept = {path.name for path in found.folder.rglob("*") if path.is_file()}
    assert kept == {"package.json", *FILES}, "of the package only what is needed"


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo 'npm error code ENOTFOUND' >&2; exit 1", r"npm cannot fetch it \(npm error code ENOTFOUND\)"),
        ("exit 3", r"npm cannot fetch it \(exit code 3\)"),
        ("exit 0", r"npm cannot fetch it \(exit code 0\)"),
        ("echo no archive > here.tgz", "cannot be read: "),
    ],
)
def test_an_npm_that_fails_is_told_in_a_line(
    script: str, message: str, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm(tmp_path / "bin", script, monkeypatch)
    with pytest.raises(ZooError, match=message) as caught:
        find_runtime()
    assert len(str(caught.value).splitlines()) == 1
    assert not list(cache.glob("*"))


def test_an_npm_that_does_not_answer_is_given_up(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm(tmp_path / "bin", "exec sleep 60", monkeypatch)
    monkeypatch.setattr(runtime, "_SECONDS", 0.2)
    with pytest.raises(ZooError, match=r"npm did not answer within 0\.2 s"):
        find_runtime()


# The command


def command(*words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "zoo.cli", "export", *map(str, words)]
    return subprocess.run(line, capture_output=True, text=True, env=os.environ | environment, check=False)


def test_without_npm_the_command_ends_with_2_and_one_line(models: Path, cache: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    out = tmp_path / "out"
    ended = command(models / "birds", "--format", "web", "--out", out, PATH=str(tmp_path / "empty"))
    assert ended.returncode == 2
    assert ended.stderr.splitlines() == [
        f"error: a web page needs onnxruntime-web {VERSION}, and npm is not installed; "
        "install Node.js, or name an unpacked copy of the package by --runtime DIR"
    ]
    assert not out.exists()


def test_the_command_writes_several_models(models: Path, tmp_path: Path) -> None:
    words = ["export", str(models / "shapes"), str(models / "flowers"), "--format", "web"]
    words += ["--runtime", str(package(tmp_path / "package")), "--out", str(tmp_path / "out")]
    ended = CliRunner().invoke(app, words, catch_exceptions=False)
    assert ended.stdout.split() == [str(tmp_path / "out")]
    assert {path.name for path in (tmp_path / "out/models").iterdir()} == {"shapes", "flowers"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("a", "b", "--format", "onnx"), "--format onnx writes one model, got 2: a, b"),
        (("a", "--format", "half", "--runtime", "x"), "--runtime is of --format web, got --format half"),
    ],
)
def test_what_the_other_formats_do_not_take_is_refused(
    words: Sequence[str], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ZooError, match=message):
        CliRunner().invoke(app, ["export", *words, "--out", str(tmp_path / "out")], catch_exceptions=False)
