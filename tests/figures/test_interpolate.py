"""Between captions and between noises: the ends are plain samples, and the way between them is even."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence
from small_models import CAPTIONS

from zoo import Pipeline, ZooError
from zoo.imaging.grids import upscaled
from zoo.imaging.images import to_pillow

from .conftest import Run, mp4_frames, opened

RED, BLUE, _ = CAPTIONS


def near(one: torch.Tensor, other: torch.Tensor) -> bool:
    return bool((one - other).abs().max() < 1e-4)


@pytest.mark.parametrize("second", [BLUE, CAPTIONS[2]])
def test_the_ends_between_captions_are_their_samples(attending: Pipeline, second: str) -> None:
    way = attending.interpolate(RED, second, steps=5, seed=3)
    assert way.shape == (5, 1, 3, 32, 32)
    for end, caption in ((way[0, 0], RED), (way[-1, 0], second)):
        assert near(end, attending.generate(caption, seed=3).images[-1][0])
    assert not near(way[0], way[-1])


def test_every_step_between_captions_moves(attending: Pipeline) -> None:
    way = attending.interpolate(RED, BLUE, steps=6)[:, 0]
    whole = (way[-1] - way[0]).abs().mean()
    moves = torch.stack([(b - a).abs().mean() for a, b in pairwise(way)])
    assert moves.min() > 0
    assert moves.max() < 0.6 * whole, "no step is a jump"


def test_from_a_caption_to_itself_nothing_moves(attending: Pipeline) -> None:
    way = attending.interpolate(RED, RED, steps=4)
    assert near(way, way[:1].expand_as(way))


def test_words_reach_the_image_on_the_way(attending: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    generator = attending.parts.generator
    forward = generator.forward
    monkeypatch.setattr(generator, "forward", lambda *given: (seen.append(given[2]), forward(*given))[1])
    attending.interpolate(RED, CAPTIONS[2], steps=3)
    first, middle, last = (text.words[0] for text in seen)
    assert middle.shape == first.shape
    assert torch.allclose(middle, (first + last) / 2, atol=1e-6)
    assert {len(words.unique(dim=0)) for words in (first, last)} == {7, 2}, "the words of either caption"


def test_the_ends_between_noises_are_the_first_two_images(attending: Pipeline) -> None:
    way = attending.interpolate(RED, between="noise", steps=20, seed=3)
    ends = attending.generate(RED, seed=3, images=2).images[-1]
    assert way.shape == (1, 20, 3, 32, 32)
    assert near(way[0, 0], ends[0])
    assert near(way[0, -1], ends[1])


def test_noise_keeps_its_length_on_the_way(wordless: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    generator = wordless.parts.generator
    forward = generator.forward
    monkeypatch.setattr(generator, "forward", lambda *given: (seen.append(given[0]), forward(*given))[1])
    wordless.interpolate("", between="noise", steps=5)
    lengths = torch.cat(seen).norm(dim=1)
    low, high = sorted((lengths[0], lengths[-1]))
    assert (lengths >= low - 1e-4).all(), "a straight line would lead through shorter noise"
    assert (lengths <= 1.1 * high).all()


def test_both_is_a_grid_with_samples_in_its_corners(attending: Pipeline) -> None:
    grid = attending.interpolate(RED, BLUE, between="both", steps=3, seed=2)
    corners = attending.generate([RED, BLUE], seed=2, images=2).images[-1]
    assert grid.shape == (3, 3, 3, 32, 32)
    assert near(torch.stack([grid[0, 0], grid[0, 2], grid[2, 0], grid[2, 2]]), corners)
    assert near(grid[:, 0], attending.interpolate(RED, BLUE, steps=3, seed=2)[:, 0])
    assert near(grid[2], attending.interpolate(BLUE, between="noise", steps=3, seed=2)[0])


def test_a_generator_that_attends_to_no_words(styled: Pipeline) -> None:
    way = styled.interpolate("a red flower", "a blue flower", steps=3)
    assert near(way[0], styled.generate("a red flower").images[-1])
    assert near(way[2], styled.generate("a blue flower").images[-1])


@pytest.mark.parametrize(
    ("between", "steps", "size"),
    [("text", 5, (5 * 34 - 2, 32)), ("noise", 4, (4 * 34 - 2, 32)), ("both", 3, (3 * 34 - 2, 3 * 34 - 2))],
)
def test_a_strip_and_a_grid(
    run: Run, attending: Pipeline, between: str, steps: int, size: tuple[int, int]
) -> None:
    captions = (RED,) if between == "noise" else (RED, BLUE)
    arguments = ("--between", between, "--steps", str(steps), "--out", "way.png")
    assert run("interpolate", "MODELS/attending", *captions, *arguments) == (0, "way.png\n", "")
    strip = opened("way.png")
    assert strip.size == size
    last = to_pillow(attending.generate(captions[-1], images=2).images[-1])[0 if between == "text" else 1]
    corner = strip.crop((size[0] - 32, size[1] - 32, *size))
    assert np.abs(np.asarray(corner, int) - np.asarray(last, int)).max() <= 1


def test_an_animation_goes_there_and_back(run: Run, attending: Pipeline) -> None:
    for name in ("way.gif", "way.mp4"):
        arguments = ("--between", "noise", "--steps", "4", "--seed", "1", "--out", name)
        assert run("interpolate", "MODELS/attending", RED, *arguments) == (0, f"{name}\n", "")
    with Image.open("way.gif") as gif:
        assert gif.info["loop"] == 0
        moving = [np.asarray(frame.convert("RGB"), int) for frame in ImageSequence.Iterator(gif)]
    way = to_pillow(attending.interpolate(RED, between="noise", steps=4, seed=1)[0])
    wanted = [np.asarray(upscaled(way[i]), int) for i in (0, 1, 2, 3, 2, 1)]
    for found in (moving, mp4_frames(Path("way.mp4"))):
        assert [frame.shape for frame in found] == [(128, 128, 3)] * 6
        distances = [[np.abs(a - b).mean() for b in wanted[:4]] for a in found]
        assert np.argmin(distances, axis=1).tolist() == [0, 1, 2, 3, 2, 1]


def test_an_animation_of_both_moves_a_strip_of_captions_through_the_noise(run: Run) -> None:
    arguments = ("--between", "both", "--steps", "3", "--out", "both.mp4")
    assert run("interpolate", "MODELS/attending", RED, BLUE, *arguments)[0] == 0
    found = mp4_frames(Path("both.mp4"))
    assert [frame.shape for frame in found] == [(128, 4 * (3 * 34 - 2), 3)] * 4


def test_a_model_without_text(run: Run) -> None:
    assert run("interpolate", "MODELS/wordless", "--between", "noise", "--out", "noise.png")[0] == 0
    assert opened("noise.png").size == (8 * 18 - 2, 16)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("MODELS/attending", RED), "expected a second caption after"),
        (("MODELS/attending", RED, "--between", "both"), "expected a second caption"),
        (
            ("MODELS/attending", RED, BLUE, "--between", "noise"),
            f"expected one caption between two noises, got another: {BLUE!r}",
        ),
        (("MODELS/attending", "zeppelin", BLUE), "no word of the caption 'zeppelin' is known"),
        (("MODELS/wordless", RED, BLUE), "reads no text: it only interpolates between noises"),
        (("MODELS/wordless", RED, "--between", "noise"), "expected no caption"),
        (("MODELS/attending", RED, BLUE, "--out", "way.xyz"), "use .png, .jpg, .gif or .mp4"),
        (
            ("MODELS/attending", RED, BLUE, "--out", "/dev/null/way.png"),
            "/dev/null is a file; expected a folder",
        ),
        (("MODELS/attending", RED, BLUE, "--steps", "1"), "--steps"),
        (("MODELS/attending", RED, BLUE, "--between", "lines"), "--between"),
        (("nowhere", RED, BLUE), "nowhere is not a model"),
    ],
)
def test_mistakes_are_reported_and_write_nothing(run: Run, arguments: tuple[str, ...], message: str) -> None:
    code, _, told = run("interpolate", *arguments)
    assert code == 2
    assert message in told
    assert not list(Path().iterdir())


def test_less_than_two_steps(attending: Pipeline) -> None:
    with pytest.raises(ZooError, match="2 steps or more"):
        attending.interpolate(RED, BLUE, steps=1)
