import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from zoo_plugins.datasets.procedural.aviary.anatomy import Bird
from zoo_plugins.datasets.procedural.aviary.dataset import Aviary
from zoo_plugins.datasets.procedural.aviary.drawing import draw
from zoo_plugins.datasets.procedural.aviary.species import COLOURS
from zoo_plugins.datasets.procedural.canvas import PALETTE
from zoo_registry.contracts import DataSource, Record


def aviary(argument: str = "1000", resolution: int | None = 64, seed: int = 0) -> Aviary:
    return Aviary(DataSource(argument=argument, resolution=resolution, seed=seed))


def pixels(record: Record) -> np.ndarray:
    assert callable(record.image)
    return np.asarray(record.image(), dtype=float)


def bird_of(record: Record) -> Bird:
    assert isinstance(record.image, partial)
    return record.image.args[0]


@pytest.fixture(scope="module")
def thousand() -> list[Record]:
    data = aviary()
    return [record for split in data.splits() for record in data.records(split)]


# ---- images


def changed(record: Record, **colours: str) -> np.ndarray:
    """Where an image changes, [resolution, resolution], when parts of the bird get other colours."""
    bird = bird_of(record)
    other = draw(replace(bird, species=replace(bird.species, **colours)), 64)
    return np.abs(np.asarray(other, dtype=float) - pixels(record)).sum(2) > 60


def test_the_body_has_the_colour_that_captions_name(thousand: Sequence[Record]) -> None:
    names, values = list(PALETTE), np.array(list(PALETTE.values()), dtype=float)
    right = 0
    for record in thousand[::4]:
        body = record.attributes["body"]
        region = changed(record, body="green" if body == "purple" else "purple")
        assert region.mean() > 0.03, "too little of the image shows the body"
        middle = np.median(pixels(record)[region], axis=0)
        right += names[np.square(values - middle).sum(1).argmin()] == body
    assert right >= 0.95 * len(thousand[::4])


def test_a_crop_of_64_out_of_76_keeps_the_bird_whole(thousand: Sequence[Record]) -> None:
    margin = 12 * 64 // 76  # pixels of 64 that a crop may cut off each edge
    for record in thousand[::8]:
        paint = "purple" if record.attributes["body"] != "purple" else "yellow"
        region = changed(record, body=paint, wing=paint, beak=paint, crown=paint)
        assert not region[:margin].any()
        assert not region[-margin:].any()
        assert not region[:, :margin].any()
        assert not region[:, -margin:].any()


def test_birds_look_both_ways() -> None:
    bird = replace(bird_of(aviary("1").records("train")[0]), pose="flying", background="sky")
    beaks = {}
    for facing in ("left", "right"):
        turned = replace(bird, facing=facing)
        recoloured = replace(turned, species=replace(bird.species, beak="purple"))
        difference = np.asarray(draw(turned, 64), dtype=float) - np.asarray(draw(recoloured, 64), dtype=float)
        beaks[facing] = np.abs(difference).sum(2).nonzero()[1].mean()
    assert beaks["left"] < 32 < beaks["right"]


# ---- splits


def test_every_colour_is_a_body_colour_in_both_splits() -> None:
    data = aviary()
    for split in data.splits():
        assert {record.attributes["body"] for record in data.records(split)} == set(COLOURS)


# ---- captions


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


_C = rf"({'|'.join(COLOURS)})"
_SHAPE = r"(?:(?:short|stubby|long|pointed|hooked|curved|thin|narrow) )"
_BILL, _BREAST, _CAP = r"(?:beak|bill)", r"(?:belly|breast|underside|chest)", r"(?:crown|cap|head)"
SAYINGS = [  # a phrase with a colour, and the attribute that must have it
    (rf"{_C} {_BILL}", "beak"),
    (rf"{_BILL} (?:that )?is (?:{_SHAPE}and )?{_C}", "beak"),
    (rf"{_C} (?:legs|feet)", "beak"),
    (rf"{_C} {_BREAST}", "belly"),
    (rf"{_BREAST} is {_C}", "belly"),
    (rf"{_C} (?:wings|wing feathers|feathers on its wings)", "wing"),
    (rf"wings are {_C}", "wing"),
    (rf"{_C} {_CAP}", "crown"),
    (rf"{_CAP} is {_C}", "crown"),
    (rf"{_C} on (?:top of its|the) head", "crown"),
    (rf"{_C} (?:crest|tuft)", "crown"),
    (rf"{_C} ring", "eye_ring"),
    (rf"{_C} (?:bar|stripe|band)", "wing_bar"),
]
CLAIMS = [  # words that must not be said unless an attribute has the value
    (r"small|little|tiny", "size", "small"),
    (r"large|big", "size", "large"),
    (r"plump|round|chubby", "build", "plump"),
    (r"slender|slim", "build", "slender"),
    (rf"(?:short|stubby) (?:\w+ )?{_BILL}|{_BILL} (?:that )?is (?:short|stubby)", "beak_shape", "short"),
    (rf"(?:long|pointed) (?:\w+ )?{_BILL}|{_BILL} (?:that )?is (?:long|pointed)", "beak_shape", "long"),
    (r"hooked|curved", "beak_shape", "hooked"),
    (r"thin|narrow", "beak_shape", "thin"),
    (r"short tail|tail is short", "tail", "short"),
    (r"long tail|tail is long", "tail", "long"),
    (r"forked", "tail", "forked"),
    (r"crested|crest|tuft", "crest", "yes"),
    (r"singing|calling", "pose", "singing"),
    (r"flying|flight|flapping", "pose", "flying"),
    (r"swimming|floating", "pose", "swimming"),
    (r"pecking|feeding|food", "pose", "pecking"),
    (r"standing|walking", "pose", "standing"),
    (r"snow|snowy|winter", "background", "snow"),
    (r"water|lake|pond", "background", "water"),
    (r"evening|dusk|sunset", "background", "evening"),
    (r"grass|meadow|field", "background", "meadow"),
    (r"leaves|trees|forest", "background", "leaves"),
    (r"sky|cloudy", "background", "sky"),
]


def plain(caption: str) -> str:
    return caption.lower().rstrip(".").replace("gray", "grey").replace("violet", "purple")


def test_captions_say_nothing_untrue(thousand: Sequence[Record]) -> None:
    for record in thousand:
        truth = record.attributes
        for caption in map(plain, record.captions):
            rest = caption
            for pattern, attribute in SAYINGS:
                for found in re.finditer(rf"\b{pattern}\b", rest):
                    assert found[1] == truth[attribute], (caption, attribute, truth[attribute])
                rest = re.sub(rf"\b{pattern}\b", "", rest)
            for colour in re.findall(rf"\b{_C}\b", rest):  # what is left speaks of the body
                assert colour == truth["body"], (caption, truth["body"])
            for pattern, attribute, value in CLAIMS:
                if re.search(rf"\b(?:{pattern})\b", caption):
                    assert truth[attribute] == value, (caption, attribute, truth[attribute])


LOOSE = [  # words that an attribute may be mentioned with, beside those above
    (r"sitting|perched|perching|resting", "pose"),
    (r"standing|walking|ground", "pose"),
]


def test_what_captions_tell_is_stated(thousand: Sequence[Record]) -> None:
    for record in thousand:
        assert record.stated is not None
        for caption, stated in zip(map(plain, record.captions), record.stated, strict=True):
            mentioned, rest = set(), caption
            for pattern, attribute in SAYINGS:
                if re.search(rf"\b{pattern}\b", rest) and "legs" not in pattern:
                    mentioned.add(attribute)
                rest = re.sub(rf"\b{pattern}\b", "", rest)
            if re.search(rf"\b{_C}\b", rest):
                mentioned.add("body")
            mentioned |= {name for pattern, name, _ in CLAIMS if re.search(rf"\b(?:{pattern})\b", caption)}
            maybe = {name for pattern, name in LOOSE if re.search(rf"\b(?:{pattern})\b", caption)}
            if (
                record.attributes["pose"] == "flying"
                and record.attributes["wing_bar"] == record.attributes["body"]
            ):
                assert "wing_bar" not in stated  # it lies on feathers of the body's colour
                mentioned.discard("wing_bar")
            assert mentioned <= stated <= mentioned | maybe, caption


def test_claims_are_made_at_all(thousand: Sequence[Record]) -> None:
    text = "\n".join(plain(caption) for record in thousand for caption in record.captions)
    for pattern, *_ in (*SAYINGS, *CLAIMS):
        assert re.search(rf"\b(?:{pattern})\b", text), pattern


def test_nine_of_ten_distinct_captions_name_the_body_colour(thousand: Sequence[Record]) -> None:
    for record in thousand:
        assert len({plain(caption) for caption in record.captions}) >= 9  # gray and grey count as two
        assert len(set(record.captions)) == 10
        assert sum(record.attributes["body"] in words(plain(caption)) for caption in record.captions) >= 9
