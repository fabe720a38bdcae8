"""`zoo import`: an original's files become a model's folder; hostile and wrong files are refused."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from small_originals import WORDS, generator, text_encoder

import zoo
from zoo import ZooError
from zoo.importing.old_files import read_checkpoint, read_vocabulary
from zoo.legacy import import_model


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Any]:
    """What the authors published, with DataParallel's prefix, in torch's old format and Python 2's pickle."""
    prefixed = {f"module.{name}": tensor for name, tensor in generator().items()}
    torch.save(prefixed, tmp_path / "netG.pth", _use_new_zipfile_serialization=False)
    torch.save({"state_dict": text_encoder(), "epoch": 3}, tmp_path / "text.pth")
    captions = [["a b"], ["c d"], dict(enumerate(WORDS)), {word: i for i, word in enumerate(WORDS)}]
    (tmp_path / "captions.pickle").write_bytes(pickle.dumps(captions, protocol=2))
    return {
        "files": {"generator": [tmp_path / "netG.pth"], "text_encoder": [tmp_path / "text.pth"]},
        "vocabulary": tmp_path / "captions.pickle",
    }


def test_an_imported_model_generates_what_its_converted_parts_generate(
    files: dict[str, Any], tmp_path: Path
) -> None:
    folder = import_model("attngan", files["files"], tmp_path / "model", vocabulary=files["vocabulary"])
    pipe = zoo.load(folder)
    assert pipe.resolution == 32
    assert pipe.unknown("a small green bird") == ("green",)
    generated = pipe.generate("a small red bird", seed=3)
    whole = zoo.legacy.convert("attngan", "generator", generator())
    twin = pipe.parts.generator
    for name, tensor in twin.state_dict().items():
        assert torch.equal(tensor, whole.state_dict()[name]), name
    assert generated.images[-1].std() > 0.01
    assert not (folder / "training").exists()
    table = json.loads((folder / "config.json").read_text())["recipe"]
    assert table["generator"]["mask_layout"] == "attngan"
    assert table["generator"]["resolutions"] == [16, 32]


def test_a_generator_without_its_text_encoder_is_reported_what_is_missing(
    files: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(ZooError, match="needs --text-encoder too"):
        import_model("attngan", {"generator": files["files"]["generator"]}, tmp_path / "model")
    with pytest.raises(ZooError, match="a text encoder of 8 words needs them: --vocabulary"):
        import_model("attngan", files["files"], tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_a_vocabulary_of_another_model_names_both_sizes(files: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "other.pickle").write_bytes(pickle.dumps([[], [], {0: "<end>", 1: "a"}, {}], protocol=2))
    with pytest.raises(ZooError, match="the weights know 8 words, the vocabulary has 2"):
        import_model("attngan", files["files"], tmp_path / "model", vocabulary=tmp_path / "other.pickle")
    assert not (tmp_path / "model").exists()


def test_misshapen_weights_are_listed_by_name(files: dict[str, Any], tmp_path: Path) -> None:
    state = generator()
    state["h_net2.upsample.1.weight"] = torch.zeros(3, 3, 3, 3)
    del state["img_net2.img.0.weight"]
    torch.save(state, tmp_path / "netG.pth")
    with pytest.raises(ZooError) as told:
        import_model("attngan", files["files"], tmp_path / "model", vocabulary=files["vocabulary"])
    assert "later.0.up.0.weight" in str(told.value)
    assert not (tmp_path / "model").exists()


class Hostile:
    def __reduce__(self) -> Any:
        return (Path.touch, (Path("/tmp/zoo-was-here"),))


def test_a_hostile_checkpoint_and_a_hostile_pickle_run_nothing(tmp_path: Path) -> None:
    path = tmp_path / "netG.pth"
    torch.save({"weight": torch.zeros(1), "x": Hostile()}, path)
    with pytest.raises(ZooError, match="refused: it holds more than tensors"):
        read_checkpoint(path)
    path.write_bytes(pickle.dumps([[], [], {0: Hostile()}]))
    with pytest.raises(ZooError, match="refused as a vocabulary"):
        read_vocabulary(path)
    assert not Path("/tmp/zoo-was-here").exists()


def test_files_that_are_no_checkpoints(tmp_path: Path) -> None:
    path = tmp_path / "x.pth"
    path.write_bytes(b"not a checkpoint")
    with pytest.raises(ZooError, match=r"x\.pth"):
        read_checkpoint(path)
    torch.save([1, 2], path)
    with pytest.raises(ZooError, match="holds no state dict but list"):
        read_checkpoint(path)


def test_vocabularies_in_the_forms_that_systems_use(tmp_path: Path) -> None:
    path = tmp_path / "words.pickle"
    forms: list[Any] = [
        [["x"], ["y"], dict(enumerate(WORDS)), {}],
        {"captions": [["a bird"]], "word_to_index": {word: i for i, word in enumerate(WORDS)}},
        WORDS,
    ]
    for form in forms:
        path.write_bytes(pickle.dumps(form, protocol=2))
        assert read_vocabulary(path) == tuple(WORDS)
    path.write_bytes(b"\x80\x02](X\x05\x00\x00\x00<end>U\x05caf\xe9se.")  # Python 2: one of its byte strings
    assert read_vocabulary(path) == ("<end>", "cafés")
    path.write_bytes(pickle.dumps({"a": 1.5}))
    with pytest.raises(ZooError, match="holds no vocabulary"):
        read_vocabulary(path)


def test_a_files_average_generator_is_preferred(tmp_path: Path) -> None:
    """pro_gan_pytorch saves a whole GAN in one file, each network beside its configuration."""

    def network(value: float) -> dict[str, Any]:
        wide = {"conv_1.weight": (8, 8, 4, 4), "conv_2.weight": (8, 8, 3, 3)}
        shapes = {f"layers.0.{name}": shape for name, shape in wide.items()}
        shapes |= {f"layers.0.{name.replace('weight', 'bias')}": (8,) for name in wide}
        shapes |= {"rgb_converters.0.weight": (3, 8, 1, 1), "rgb_converters.0.bias": (3,)}
        state = {name: torch.full(shape, value) for name, shape in shapes.items()}
        return {"conf": {"depth": 2, "latent_size": 8}, "state_dict": state}

    torch.save({"generator": network(1.0), "shadow_generator": network(2.0)}, tmp_path / "gan.pth")
    folder = import_model("progan", {"generator": [tmp_path / "gan.pth"]}, tmp_path / "model")
    assert all(bool((p == 2).all()) for p in zoo.load(folder).parts.generator.parameters())


def test_a_file_of_several_networks_of_another_system_is_reported(tmp_path: Path) -> None:
    torch.save({"netA": {"weight": torch.zeros(1)}, "epoch": "3"}, tmp_path / "x.pth")
    with pytest.raises(
        ZooError, match=r"x\.pth: no state dict of a generator.*netA, epoch are something else"
    ):
        import_model("attngan", {"generator": [tmp_path / "x.pth"]}, tmp_path / "model")
