"""Results on the page of a run, and what becomes of a file that holds none."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from zoo.report.page import write_report
from zoo_registry import ZooError

from .made_up import ATTRIBUTES, FID, result, results, score, write_json
from .reader import Reader


def page(run: Path) -> Reader:
    return Reader(write_report(run, strict=True).read_text(encoding="utf-8"))


def marks(run: Path, identity: str, name: str) -> dict[str, str]:
    """What stands where on the line of a score."""
    text = (run / "report.html").read_text(encoding="utf-8")
    row = text[text.index(f"<b>{identity}</b>") :]
    row = row[row.index(f">{name}</th>") :]
    row = row[: row.index("</tr>")]
    return dict(re.findall(r'<i class="(\w+)" style="left:([\d.]+%)', row))


def test_every_score_is_a_row_with_all_that_is_known_of_it(begun: Path) -> None:
    write_json(begun / "results.json", results(ATTRIBUTES, FID))
    found = page(begun)
    rows = found.table("scores")
    assert rows[0] == ["Score", "Value", "95 % interval", "", "Count", "Chance", "Real"]
    assert rows[2] == ["body", "0.914", "0.900 … 0.925", "", "1,800", "0.125", "0.990"]
    assert rows[4] == ["mean", "0.657", "0.650 … 0.664", "", "2,000", "0.188", "0.995"]
    assert rows[6] == ["fid", "52.25", "", "", "500", "", ""]
    assert rows[1][0].startswith("attributes-2k@1[resolution=64] ↑ higher is better · on aviary:6000")
    assert rows[5][0].startswith(
        "fid-test-5k@1[images=500, resolution=64] ↓ lower is better · on aviary:6000"
    )
    assert "of runs/made-up, weights ab12cd34" in found.text


def test_value_chance_and_real_images_stand_on_one_scale(begun: Path) -> None:
    write_json(begun / "results.json", results(ATTRIBUTES, FID))
    page(begun)
    assert marks(begun, ATTRIBUTES["identity"], "body") == {
        "guess": "12.50%",
        "truth": "99.00%",
        "band": "90.00%",
        "dot": "91.40%",
    }
    assert marks(begun, FID["identity"], "fid") == {}, "nothing to hold it against"


def test_a_distance_has_a_scale_that_holds_it(begun: Path) -> None:
    write_json(begun / "results.json", results(result("kid@1", {"kid": score(0.02, real=0.001)}, "lower")))
    page(begun)
    assert marks(begun, "kid@1", "kid") == {"truth": "4.76%", "dot": "95.24%"}


def test_the_definition_can_be_read(begun: Path) -> None:
    write_json(begun / "results.json", results(FID))
    found = page(begun)
    assert [tag for tag, _ in found.tags].count("details") == 1
    for words in ("images 2000", "resize none", "features: judge", "fingerprint 0123abcd", "seconds 31.2"):
        assert words in found.text


def test_images_are_embedded(begun: Path) -> None:
    assert page(begun).tags
    Image.new("RGB", (320, 200), "teal").save(begun / "results-neighbours.png")
    shown = result(
        "neighbours-6@1", {"distance": score(12.0, 6)}, images={"nearest": "results-neighbours.png"}
    )
    write_json(begun / "results.json", results(shown))
    found = page(begun)
    ((_, image),) = [tag for tag in found.tags if tag[0] == "img"]
    assert str(image["src"]).startswith("data:image/jpeg;base64,")
    assert image["alt"] == "nearest"
    assert "Nearest neighbours-6@1" in found.text


def test_without_results_there_is_no_section(begun: Path) -> None:
    assert "Results" not in page(begun).text
    write_json(begun / "results.json", results())
    assert "Results" not in page(begun).text


def _changed(change: Any) -> str:
    data = copy.deepcopy(results(ATTRIBUTES))
    change(data["results"][0])
    return json.dumps(data)


BROKEN = {
    "truncated": (json.dumps(results(ATTRIBUTES))[:-40], "cannot be read as JSON"),
    "empty": ("", "cannot be read as JSON"),
    "a list": ("[]", "Input should be a valid dictionary"),
    "another version": ('{"zoo": 2, "model": "", "weights": "", "results": []}', "zoo: Input should be 1"),
    "a text for a value": (
        _changed(lambda r: r["scores"]["body"].update(value="high")),
        "results.0.scores.body.value: ",
    ),
    "a short interval": (
        _changed(lambda r: r["scores"]["body"].update(interval=[1])),
        "results.0.scores.body.interval",
    ),
    "no data": (_changed(lambda r: r.pop("data")), "results.0.data: Field required"),
    "a missing image": (
        _changed(lambda r: r.update(images={"nearest": "gone.png"})),
        "gone.png cannot be read as an image",
    ),
    "an image elsewhere": (
        _changed(lambda r: r.update(images={"nearest": "../secret.png"})),
        "'../secret.png' of attributes-2k@1[resolution=64] is no name of a file beside it",
    ),
    "not an image": (
        _changed(lambda r: r.update(images={"nearest": "recipe.json"})),
        "recipe.json cannot be read as an image",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_results_that_cannot_be_read_are_named_and_stop_no_training(begun: Path, case: str) -> None:
    text, fault = BROKEN[case]
    (begun / "results.json").write_text(text, encoding="utf-8")
    with pytest.raises(ZooError) as caught:
        write_report(begun, strict=True)
    assert str(caught.value).startswith(str(begun))
    assert fault in str(caught.value)
    assert not (begun / "report.html").exists()
    found = Reader(write_report(begun).read_text(encoding="utf-8"))
    assert fault in found.text
    assert "attention-stages" in found.text, "all else stands there"


def test_numbers_that_are_not_finite_are_written_as_such(begun: Path) -> None:
    odd = result("is-10x@1", {"is": score(float("nan"), interval=[1.0, float("inf")], chance=1.0)})
    write_json(begun / "results.json", results(odd))
    assert page(begun).table("scores")[2][:3] == ["is", "nan", "1.000 … inf"]


def test_names_in_results_stay_text(begun: Path) -> None:
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'{{script}}&amp;"
    Image.new("RGB", (8, 8)).save(begun / "a'b.png")
    hostile = result(
        evil,
        {evil: score(0.5, chance=0.1)},
        metric=evil,
        definition={evil: evil},
        images={evil: "a'b.png"},
        made_with={evil: evil},
        data={"source": evil, "fingerprint": evil},
    )
    write_json(begun / "results.json", results(hostile) | {"model": evil, "weights": evil})
    found = page(begun)
    assert sum(tag == "script" for tag, _ in found.tags) == 2, "ours and no other"
    assert [attributes["src"] for tag, attributes in found.tags if tag == "img"] != ["x"]
    assert not [name for _, attributes in found.tags for name in attributes if name.startswith("on")]
    assert found.text.count(evil) >= 10
