"""What names promise: the values of the literature, and a default of each metric."""

from zoo_registry import catalogue


def protocols():
    return [c.load() for c in catalogue().of("protocol")]


def test_every_metric_has_a_protocol():
    assert {protocol.metric for protocol in protocols()} == {c.name for c in catalogue().of("metric")}


def test_attngans_values():
    named = {protocol.name: protocol for protocol in protocols()}
    r = named["attngan-r-precision"]
    assert (r.images, r.split, r.crop) == (30_000, "test", 76 / 64)
    assert r.settings == {"matcher": "own", "candidates": 100, "folds": 10}
    assert (named["is-10x"].images, named["is-10x"].settings["splits"]) == (30_000, 10)
    assert named["diversity-10x100"].images == 100 * named["diversity-10x100"].per_caption
