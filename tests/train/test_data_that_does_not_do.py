"""Tiny sets, sets without classes, captions that are too long: what mends it is told before training."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from tiny_transformer import tiny_bert

from zoo.data.check import report_reading
from zoo.training import trainer
from zoo_plugins.text_encoders.bilstm import BiLSTM
from zoo_plugins.text_encoders.char_cnn_rnn import CharCNNRNN
from zoo_plugins.text_encoders.transformer import TransformerEncoder
from zoo_registry import ZooError
from zoo_registry.contracts import TextSource


def captioned(folder: Path, count: int) -> str:
    folder.mkdir()
    rows = []
    for number in range(count):
        Image.new("RGB", (16, 16), (9 * number, 0, 0)).save(folder / f"{number}.png")
        rows.append(json.dumps({"file_name": f"{number}.png", "text": f"a mug of shade {number}"}))
    (folder / "metadata.jsonl").write_text("\n".join(rows))
    return f"folder:{folder}"


def test_one_image_is_held_out_and_none_left(tmp_path: Path) -> None:
    with pytest.raises(ZooError, match=r"none of its 1 images is left to train on.*; expected 2 images"):
        trainer.train("damsm-aviary", captioned(tmp_path / "set", 1), tmp_path / "run", quiet=True)
    assert not (tmp_path / "run").exists()


def test_batches_of_classes_need_classes(tmp_path: Path) -> None:
    with pytest.raises(
        ZooError, match=r'give each a "class" in its metadata, or train without: --set train\.classes'
    ):
        trainer.train("char-cnn-rnn-garden", captioned(tmp_path / "set", 8), tmp_path / "run", quiet=True)
    assert not (tmp_path / "run").exists()


SOURCE = TextSource(captions=["a small red bird"])


@pytest.mark.parametrize(
    ("encoder", "caption", "count"),
    [
        (lambda: BiLSTM(SOURCE, max_words=3), "a small, red zebra bird a bird", 3),
        (lambda: TransformerEncoder(SOURCE, model=tiny_bert(), max_words=3), "a small red bird", 1),
        (lambda: CharCNNRNN(SOURCE), "x" * 210, 9),
    ],
)
def test_captions_that_are_too_long_are_told(capsys, encoder, caption: str, count: int) -> None:
    encoder = encoder()
    assert encoder.left_out(caption) == count
    assert encoder.left_out("red") == 0
    report_reading(encoder, ["red", caption])
    assert "1 of 2 captions are longer than the text encoder reads" in capsys.readouterr().err
    report_reading(encoder, ["red"])
    assert capsys.readouterr().err == ""


def test_captions_without_spaces_are_told(capsys) -> None:
    report_reading(BiLSTM(SOURCE), ["红色的杯子在桌上"])
    assert "1 of 1 captions hold no spaces between words" in capsys.readouterr().err
