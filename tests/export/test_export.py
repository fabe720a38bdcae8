"""A whole model leaves the zoo, and generates the same images without torch."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_pipeline import made
from typer.testing import CliRunner

from zoo.assemble import Parts
from zoo.cli import app
from zoo.export.engine import ExportedModel
from zoo.export.onnx_pipeline import OnnxPipeline, torch_normal
from zoo.export.to_onnx import NEAR, OPSET, write_onnx
from zoo.pipeline import Pipeline
from zoo.seeding import generator as seeded
from zoo_registry import ZooError
from zoo_registry.contracts import Growth
from zoo_registry.testing import CAPTIONS


def same(ours: list[Image.Image], theirs: list[Image.Image]) -> None:
    """A rounding apart at most, and images of something."""
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        assert np.abs(np.asarray(one).astype(int) - np.asarray(other)).max() <= 1


@pytest.mark.parametrize("seed", [0, 7, 2**40])
def test_a_seed_has_the_noise_that_torch_gives_it(seed: int) -> None:
    for widths in [(8, 8), (7, 3, 5), (16, 1), (100, 100), (119, 8, 128), (33, 0), (0, 15)]:
        for image in (0, 5):
            source = seeded(seed, image)
            for ours, width in zip(torch_normal(seed, image, widths), widths, strict=True):
                np.testing.assert_allclose(ours, torch.randn(width, generator=source), rtol=0, atol=1e-5)


def test_an_exported_model_generates_the_images_of_its_pipeline(birds: Pipeline, exported: Path) -> None:
    captions = ["the bird is blue", *CAPTIONS]
    same(OnnxPipeline(exported)(captions, seed=3, images=2), birds(captions, seed=3, images=2))
    noise, draws = torch.randn(2, 18, 8, generator=torch.Generator().manual_seed(0)).numpy()
    with torch.inference_mode():
        text = birds._read(birds.tokens([CAPTIONS[2]] * 18))
        expected = birds._forward(text, torch.from_numpy(noise), torch.from_numpy(draws)).images[-1].numpy()
    np.testing.assert_allclose(
        OnnxPipeline(exported).generate(CAPTIONS[2], noise, draws), expected, rtol=0, atol=NEAR
    )
    other = OnnxPipeline(exported).generate(CAPTIONS[2], noise, -draws)
    assert np.abs(other - expected).max() > NEAR, "the condition is sampled, not its mean"


def test_it_says_what_goes_in_and_out(exported: Path) -> None:
    told = json.loads((exported / "export.json").read_text())
    assert told["opset"] == OPSET
    assert {entry["name"]: entry["shape"] for entry in told["inputs"]} == {
        "noise": ["batch", 8],
        "code_noise": ["batch", 8],
        "ids": ["batch", "length"],
        "mask": ["batch", "length"],
    }
    assert told["outputs"] == [{"name": "image", "type": "tensor(float)", "shape": ["batch", 3, 32, 32]}]
    assert (told["noise_width"], told["code_width"], told["resolution"]) == (8, 8, 32)
    assert told["tokens"] == {"scheme": "words", "max_words": 18, "padding": 0}
    assert str(Path(__file__).parents[2]).encode() not in (exported / "model.onnx").read_bytes()


def test_a_model_without_text_is_exported_as_it_has_grown(tmp_path: Path) -> None:
    pipe = made(discriminator="progressive", generator="progressive")
    pipe.parts.growth = Growth(8, 0.5)
    exported = OnnxPipeline(write_onnx(pipe, tmp_path / "out"))
    assert [entry.name for entry in exported.session.get_inputs()] == ["noise"]
    same(exported("", images=3), pipe("", images=3))
    assert exported("")[0].size == (8, 8)
    with pytest.raises(ZooError, match="reads no text"):
        ExportedModel(tmp_path / "out")(["a red bird"])


def run(*words: Any, fails: bool = False, **settings: Any) -> subprocess.CompletedProcess[str]:
    """A Python of its own; its standard error names every module that it imported."""
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", *map(str, words)], capture_output=True, text=True, **settings
    )
    assert (ended.returncode != 0) == fails, ended.stderr[-2000:]
    return ended


def imported(ended: subprocess.CompletedProcess[str]) -> set[str]:
    lines = [line for line in ended.stderr.splitlines() if line.startswith("import time:")]
    return {line.rsplit("|", 1)[1].strip().split(".")[0] for line in lines}


def test_the_script_needs_onnxruntime_numpy_and_pillow_alone(
    birds: Pipeline, exported: Path, tmp_path: Path
) -> None:
    caption = "a small red qqq bird"
    ended = run(exported / "sample.py", caption, "--images", 2, "--seed", 3, "--out", "red.png", cwd=tmp_path)
    assert "left out of 'a small red qqq bird': qqq" in ended.stderr
    assert not imported(ended) & {"torch", "zoo", "zoo_registry", "pydantic", "transformers", "tokenizers"}
    with Image.open(tmp_path / "red.png") as grid:
        assert grid.size == (64, 32)
        same([grid.crop((32 * i, 0, 32 * i + 32, 32)) for i in range(2)], birds(caption, seed=3, images=2))
    ended = run(exported / "sample.py", "qqq", cwd=tmp_path, fails=True)
    assert ended.stderr.splitlines()[-1] == "error: no word of the caption 'qqq' is known to this model"


def test_zoo_sample_with_onnx_imports_no_torch(birds: Pipeline, exported: Path, tmp_path: Path) -> None:
    words = ("sample", exported, "the bird is qqq blue", "a red bird", "--engine", "onnx")
    ended = run("-m", "zoo.cli", *words, "--images", 2, "--seed", 5, "--out", tmp_path / "generated")
    assert not imported(ended) & {"torch", "transformers", "timm"}
    assert "left out of 'the bird is qqq blue': qqq" in ended.stderr
    files = sorted((tmp_path / "generated").iterdir())
    assert ended.stdout.split() == [str(file) for file in files]
    same([Image.open(file) for file in files], birds(["the bird is blue", "a red bird"], seed=5, images=2))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("red", "--attention"), "--engine onnx generates images only, on the CPU; remove --attention"),
        (("red", "--device", "cpu"), "remove --device"),
        (("qqq",), "no word of the caption 'qqq' is known to this model"),
    ],
)
def test_what_onnx_cannot_generate_is_refused(
    exported: Path, words: tuple[str, ...], told: str, tmp_path: Path
) -> None:
    ended = run("-m", "zoo.cli", "sample", exported, *words, "--engine", "onnx", cwd=tmp_path, fails=True)
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1].startswith("error: ")
    assert told in ended.stderr.splitlines()[-1]
    assert not list(tmp_path.iterdir())


def test_the_command_exports(birds: Pipeline, tmp_path: Path) -> None:
    birds.save_pretrained(tmp_path / "birds")
    words = ["export", str(tmp_path / "birds"), "--format", "onnx", "--out"]
    ended = CliRunner().invoke(app, [*words, str(tmp_path / "out")], catch_exceptions=False)
    assert ended.stdout.split() == [str(tmp_path / "out")]
    assert {file.name for file in (tmp_path / "out").iterdir()} == {
        "model.onnx",
        "export.json",
        "vocabulary.json",
        "sample.py",
        "onnx_pipeline.py",
    }
    (tmp_path / "full").mkdir()
    (tmp_path / "full/letter.txt").write_text("dear")
    with pytest.raises(ZooError, match="full exists and is not empty; expected a new folder"):
        CliRunner().invoke(app, [*words, str(tmp_path / "full")], catch_exceptions=False)
    assert [file.name for file in (tmp_path / "full").iterdir()] == ["letter.txt"]


def test_engines_and_folders_that_do_not_fit_are_named(exported: Path, tmp_path: Path) -> None:
    with pytest.raises(ZooError, match=r"no exported model: there is no .*export\.json; zoo export MODEL"):
        ExportedModel(tmp_path)
    with pytest.raises(ZooError, match=r"is an exported model: .* --engine onnx runs it"):
        Pipeline.from_pretrained(exported)


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        ("export.json", "{", "cannot be read as an exported model's description"),
        ("export.json", "[]", "cannot be read as an exported model's description"),
        ("export.json", '{"format": 9}', "has format 9; this zoo reads format 1: install a newer t2i-zoo"),
        ("export.json", '{"format": 1}', "cannot be run"),
        ("model.onnx", "not a graph", "cannot be run"),
        ("vocabulary.json", "{}", "cannot be run"),
    ],
)
def test_a_damaged_folder_is_reported_in_a_line(
    exported: Path, file: str, content: str, told: str, tmp_path: Path
) -> None:
    folder = shutil.copytree(exported, tmp_path / "damaged")
    (folder / file).write_text(content)
    with pytest.raises(ZooError, match=told) as caught:
        ExportedModel(folder)
    assert len(str(caught.value).splitlines()) == 1


def test_an_encoder_that_keeps_its_tokenizer_to_itself_is_named(
    birds: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(birds.parts.text_encoder), "tokenizer_config", lambda self: None)
    with pytest.raises(ZooError, match="its text encoder 'bilstm' does not tell how captions become ids"):
        write_onnx(birds, tmp_path / "out")
    assert not os.listdir(tmp_path)


class Around(torch.nn.Module):
    """A generator within another's."""

    def __init__(self, within: Any) -> None:
        super().__init__()
        self.within, self.spec = within, within.spec


def test_a_part_that_cannot_be_followed_is_named_with_the_reason(birds: Pipeline, tmp_path: Path) -> None:
    class Moody(Around):
        """Looks at a number before it goes on."""

        def forward(self, noise: torch.Tensor, *others: Any) -> Any:
            return self.within(noise if noise.mean() > 0 else -noise, *others)

    pipe = Pipeline(birds.recipe, Parts({**birds.parts.modules, "generator": Moody(birds.parts.generator)}))
    with pytest.raises(ZooError, match="tiny cannot be exported: generator: ") as caught:
        write_onnx(pipe, tmp_path / "out")
    assert len(str(caught.value).splitlines()) == 1
    assert not os.listdir(tmp_path)


def test_a_part_that_generates_otherwise_in_onnx_is_refused(birds: Pipeline, tmp_path: Path) -> None:
    class Other(Around):
        def forward(self, *given: Any) -> Any:
            generated = self.within(*given)
            shift = 0.1 if torch.onnx.is_in_onnx_export() else 0.0
            return generated._replace(images=tuple(image + shift for image in generated.images))

    pipe = Pipeline(birds.recipe, Parts({**birds.parts.modules, "generator": Other(birds.parts.generator)}))
    with pytest.raises(
        ZooError, match=r"differ from torch's by up to 0\.1 of a range of 2, 0\.0001 is allowed"
    ):
        write_onnx(pipe, tmp_path / "out")
    assert not os.listdir(tmp_path)
