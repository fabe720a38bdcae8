"""`zoo sample`: words exchanged in a caption, and attention as a figure and as numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_models import CAPTIONS

from zoo import Pipeline
from zoo.imaging.images import to_pillow

from .conftest import Run, opened

RED, BLUE, _ = CAPTIONS


def test_a_row_for_each_word(run: Run, attending: Pipeline) -> None:
    given = ("--vary", "Red = blue, green,yellow", "--images", "2", "--seed", "4", "--out", "rows.png")
    assert run("sample", "MODELS/attending", RED, *given) == (0, "rows.png\n", "")
    captions = [RED.replace("red", word) for word in ("red", "blue", "green", "yellow")]
    generated = to_pillow(attending.generate(captions, 4, 2).images[-1])
    rows = opened("rows.png")
    labels = rows.width - (2 * 34 - 2)
    assert labels > 100, "each row is labelled"
    assert (np.asarray(rows.convert("L").crop((0, 0, labels, 32))) < 128).any()
    for place, wanted in enumerate(generated):
        left, top = labels + place % 2 * 34, place // 2 * ((rows.height + 2) // 4)
        found = np.asarray(rows.crop((left, top, left + 32, top + 32)), int)
        assert np.abs(found - np.asarray(wanted, int)).max() <= 1, place
    assert generated[0].tobytes() != generated[2].tobytes(), "the word reaches the image"


def test_every_caption_is_varied_and_other_words_stay(run: Run) -> None:
    given = ("a red bird is hardly reddish", RED, "--vary", "red=blue", "--out", "rows")
    code, out, _ = run("sample", "MODELS/attending", *given)
    assert code == 0
    names = [Path(line).name.split("_")[1] for line in out.splitlines()]
    assert names == [
        "a-red-bird-is-hardly-reddish",
        "a-blue-bird-is-hardly-reddish",
        "a-small-red-bird-with-black-wings",
        "a-small-blue-bird-with-black-wings",
    ]


def test_an_unknown_word_in_its_place_is_named(run: Run) -> None:
    code, _, told = run("sample", "MODELS/attending", RED, "--vary", "red=mauve,blue", "--out", "rows.png")
    assert code == 0
    assert told == "not in the vocabulary, left out of 'a small mauve bird with black wings': mauve\n"


def test_the_attention_maps_as_numbers(run: Run, attending: Pipeline) -> None:
    given = (RED, BLUE, "--images", "2", "--attention", "--out", "out.png")
    code, out, _ = run("sample", "MODELS/attending", *given)
    assert code == 0
    assert out.splitlines() == ["out.png", "out.attention.png", "out.attention.npz"]
    generated = attending.generate([RED, BLUE], 0, 2)
    with np.load("out.attention.npz", allow_pickle=False) as maps:
        assert set(maps.files) == {"captions", "images", "words_0", "words_1", "maps_0_0", "maps_1_0"}
        assert maps["captions"].tolist() == [RED, BLUE]
        assert maps["images"] == 2
        assert maps["words_0"].tolist() == RED.split()
        assert maps["words_1"].tolist() == BLUE.split()
        for caption, words in ((0, 7), (1, 9)):
            stage = maps[f"maps_{caption}_0"]
            assert stage.dtype == np.float32
            assert stage.shape == (2, words, 16, 16)
            assert np.abs(stage.sum(axis=1) - 1).max() < 1e-5, "shares of the caption's own words"
            wanted = generated.attention[0][2 * caption : 2 * caption + 2, :words].numpy()
            assert np.abs(stage - wanted).max() < 1e-4
    run("sample", "MODELS/attending", RED, "--attention", "--out", "single")
    assert {path.name for path in Path("single").iterdir()} >= {"attention.png", "attention.npz"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("MODELS/attending", RED, "--vary", "green=blue"),
            f"the word 'green' is not in the caption {RED!r}",
        ),
        (("MODELS/attending", RED, "--vary", "re=blue"), "the word 're' is not in the caption"),
        (("MODELS/attending", RED, BLUE, "--vary", "red=green"), f"not in the caption {BLUE!r}"),
        (("MODELS/attending", RED, "--vary", "red"), "red=blue,green"),
        (("MODELS/attending", RED, "--vary", "red=blue,"), "red=blue,green"),
        (("MODELS/attending", RED, "--vary", "=blue"), "red=blue,green"),
        (("MODELS/wordless", "--vary", "red=blue"), "the word 'red' is not in the caption ''"),
        (("MODELS/styled", "a red flower", "--attention"), "does not attend to words"),
        (("MODELS/attending", RED, "--out", "out.mp4"), "unsupported extension '.mp4'"),
    ],
)
def test_mistakes_are_reported_and_write_nothing(run: Run, arguments: tuple[str, ...], message: str) -> None:
    code, _, told = run("sample", *arguments)
    assert code == 2
    assert message in told
    assert not list(Path().iterdir())
