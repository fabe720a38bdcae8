"""A saved pipeline: the same images, from the same captions and seed, wherever it is loaded."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import zoo
from zoo import ZooError

CAPTIONS = [
    "a red bird",
    "a small blue bird with a yellow beak and a very long tail",
    "a white bird on the water",
]


def test_saved_and_loaded_generates_the_same_bits(trained: Path, tmp_path: Path) -> None:
    pipe = zoo.load(trained)
    pipe.save_pretrained(tmp_path / "model")
    again = zoo.load(tmp_path / "model")
    for first, second in zip(
        pipe.generate(CAPTIONS, seed=5, images=2).images,
        again.generate(CAPTIONS, seed=5, images=2).images,
        strict=True,
    ):
        assert torch.equal(first, second)
    assert [i.tobytes() for i in pipe(CAPTIONS[0], seed=1)] == [
        i.tobytes() for i in again(CAPTIONS[0], seed=1)
    ]


def test_a_caption_alone_and_in_a_batch_of_sixteen(trained: Path) -> None:
    pipe = zoo.load(trained)
    batch = [
        *CAPTIONS,
        *(
            f"a {c} bird"
            for c in [
                "red",
                "blue",
                "green",
                "yellow",
                "orange",
                "purple",
                "black",
                "white",
                "brown",
                "pink",
                "gray",
                "grey",
            ]
        ),
        CAPTIONS[1],
    ]
    assert len(batch) == 16
    together = pipe.generate(batch, seed=2, images=2).images[-1]
    for place in (0, 1, 7, 15):
        alone = pipe.generate(batch[place], seed=2, images=2).images[-1]
        assert (together[2 * place : 2 * place + 2] - alone).abs().max() < 1e-5


def test_image_i_does_not_depend_on_how_many_are_generated(trained: Path) -> None:
    pipe = zoo.load(trained)
    few, many = (
        pipe.generate(CAPTIONS[0], seed=4, images=2).images[-1],
        pipe.generate(CAPTIONS[0], seed=4, images=20).images[-1],
    )
    assert (few - many[:2]).abs().max() < 1e-5
    assert not torch.equal(many[0], many[1])
    assert not torch.equal(few, pipe.generate(CAPTIONS[0], seed=5, images=2).images[-1])


def test_a_copy_has_weights_of_its_own(trained: Path) -> None:
    pipe = zoo.load(trained)
    before = pipe.generate(CAPTIONS, seed=5).images[-1]
    copied = copy.deepcopy(pipe)
    assert torch.equal(copied.generate(CAPTIONS, seed=5).images[-1], before)
    for weight in copied.parts.generator.parameters():
        torch.nn.init.zeros_(weight)
    assert torch.equal(pipe.generate(CAPTIONS, seed=5).images[-1], before)


def test_the_caption_reaches_the_image(trained: Path) -> None:
    pipe = zoo.load(trained)
    assert not torch.equal(pipe.generate("a red bird").images[-1], pipe.generate("a blue bird").images[-1])


def test_what_lies_in_a_models_folder(trained: Path) -> None:
    files = {str(p.relative_to(trained / "model")) for p in (trained / "model").rglob("*") if p.is_file()}
    assert files == {
        "config.json",
        "README.md",
        "text_encoder.safetensors",
        "conditioning.safetensors",
        "generator.safetensors",
        "vocabulary.json",
        "training/discriminator.safetensors",
        "training/image_encoder.safetensors",
    }
    config = json.loads((trained / "model/config.json").read_text())
    assert {"zoo", "torch", "plugins"} <= set(config["made_with"])
    assert "weights" not in json.dumps(config["recipe"]), "no path of this machine travels with a model"


def test_sampling_needs_no_training_weights(trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained / "model", tmp_path / "model")
    shutil.rmtree(tmp_path / "model/training")
    assert zoo.load(tmp_path / "model")("a red bird")


@pytest.fixture
def model(trained: Path, tmp_path: Path) -> Path:
    shutil.copytree(trained / "model", tmp_path / "model")
    return tmp_path / "model"


def test_another_vocabulary_names_both_sizes(model: Path) -> None:
    vocabulary = json.loads((model / "vocabulary.json").read_text())
    size = len(vocabulary["words"])
    vocabulary["words"] = vocabulary["words"][:-3]
    (model / "vocabulary.json").write_text(json.dumps(vocabulary))
    with pytest.raises(ZooError, match=rf"{size}(.|\n)*{size - 3}"):
        zoo.load(model)


def test_weights_of_another_shape_are_listed_by_name(model: Path) -> None:
    path = model / "generator.safetensors"
    state = load_file(path)
    name = "to_image.0.0.weight"
    state[name], state["extra"] = state[name][:, :1].clone(), torch.zeros(1)
    del state["to_image.1.0.weight"]
    save_file(state, path)
    with pytest.raises(ZooError) as caught:
        zoo.load(model)
    text = str(caught.value)
    assert "missing: to_image.1.0.weight" in text
    assert "not of this part: extra" in text
    assert f"{name}: the part has" in text


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("generator.safetensors", b"\x80\x04.", "cannot be read as safetensors"),
        ("config.json", b'{"format": 1, "recipe": {"extends": "/x.toml"}, "made_with": {}}', "names no file"),
        ("config.json", b"{", "cannot be read as a model's configuration"),
        ("config.json", b'{"format": 9, "recipe": {}, "made_with": {}}', "install a newer t2i-zoo"),
    ],
)
def test_damaged_files(model: Path, file: str, content: bytes, message: str) -> None:
    (model / file).write_bytes(content)
    with pytest.raises(ZooError, match=message):
        zoo.load(model)


def test_a_part_of_another_pipeline(trained: Path) -> None:
    recipe = json.loads((trained / "recipe.json").read_text())
    recipe["text_encoder"]["weights"] = f"{trained / 'pretrain'}#text_encoder"
    parts = zoo.build(recipe)
    own = load_file(trained / "pretrain/model/text_encoder.safetensors")
    for name, tensor in parts.text_encoder.state_dict().items():
        assert torch.equal(tensor, own[name]), name
