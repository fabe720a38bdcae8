"""`zoo.evaluate` and `zoo eval`: what is measured, how it is named, and what goes on after a stop."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

import zoo
from zoo import ZooError
from zoo.evaluation.generated import GeneratedImages
from zoo.evaluation.protocols import asked
from zoo.evaluation.run import NotMeasuredError, writable
from zoo.files.results import Result, Results, Source, read_results
from zoo.models.results import add_result, by_score, compared, place_of
from zoo.report.page import write_report
from zoo_registry.contracts import Score

# 12 unseen images of 5 classes and more
DATA = "aviary:60"
SMALL = ("r-precision.candidates=8", "r-precision.folds=3", "diversity.features=own")


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """A trained run of its own."""
    return Path(shutil.copytree(trained, tmp_path / "run"))


def evaluate(run: Path, *metrics: str, images: int | None = 24, **more: Any) -> dict[str, Any]:
    more.setdefault("changes", [c for c in SMALL if c.partition(".")[0] in metrics])
    return zoo.evaluate(
        run,
        more.pop("data", DATA),
        metrics,
        images=images,
        allow_small=True,
        quiet=more.pop("quiet", True),
        device="cpu",
        **more,
    )


def only(results: dict[str, Any]) -> dict[str, Any]:
    (result,) = results["results"]
    return dict(result)


def test_results_say_what_was_measured_and_how(run: Path) -> None:
    result = only(evaluate(run, "r-precision"))
    assert result["protocol"] == "attngan-r-precision"
    assert result["identity"] == "attngan-r-precision@1[candidates=8, folds=3, images=24, resolution=32]"
    assert result["definition"]["settings"] == {"matcher": "own", "candidates": 8, "folds": 3}
    assert result["definition"]["seed"] == 0
    score = result["scores"]["r-precision"]
    assert score["count"] == 24
    assert score["chance"] == pytest.approx(1 / 8)
    assert result["data"]["source"] == DATA
    assert result["made_with"].keys() >= {"zoo", "torch", "plugins"}
    assert json.loads((run / "results.json").read_text())["results"] == [result]


@pytest.mark.parametrize("size", [1, 7])
def test_the_size_of_batches_changes_nothing(run: Path, size: int, tmp_path: Path) -> None:
    metrics = ("r-precision", "diversity")
    usual = evaluate(run, *metrics, out=tmp_path / "a.json")
    other = evaluate(run, *metrics, out=tmp_path / "b.json", batch_size=size)
    for left, right in zip(usual["results"], other["results"], strict=True):
        for name, score in left["scores"].items():
            assert right["scores"][name]["value"] == pytest.approx(score["value"], abs=1e-6)


def test_what_was_measured_is_not_measured_again(run: Path) -> None:
    first = evaluate(run, "diversity")
    again = evaluate(run, "diversity", "r-precision")
    assert again["results"][0] == first["results"][0], "the seconds are those of the first time"
    assert len(again["results"]) == 2


def test_rows_of_two_data_sets_have_two_names(run: Path) -> None:
    evaluate(run, "diversity")
    results = Results.model_validate(evaluate(run, "diversity", data="aviary:40"))
    _, rows = by_score(results.results)
    assert [row[0].partition(" on ")[2] for row in rows] == [DATA, "aviary:40"]


def test_other_weights_are_measured_anew(run: Path) -> None:
    before = only(evaluate(run, "diversity"))
    file = run / "model" / "generator.safetensors"
    halved = {name: (tensor * 0.5).to(tensor.dtype) for name, tensor in load_file(file).items()}
    save_file(halved, file)
    after = only(evaluate(run, "diversity"))
    assert after["scores"] != before["scores"]


class Stopped(BaseException):
    """Ctrl-C."""


def test_an_evaluation_that_was_stopped_goes_on(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generated: list[int] = []
    original = GeneratedImages._batch

    def counting(self: GeneratedImages, captions: Any, numbers: Any) -> Any:
        generated.extend(numbers)
        if stop and len(generated) > 12:
            raise Stopped
        return original(self, captions, numbers)

    monkeypatch.setattr(GeneratedImages, "_batch", counting)
    stop = True
    with pytest.raises(Stopped):
        evaluate(run, "diversity", batch_size=4)
    assert not (run / "results.json").exists()
    stop, generated[:] = False, []
    resumed = only(evaluate(run, "diversity", batch_size=4))
    assert generated == list(range(12, 24)), "the first twelve images were kept"
    (run / "results.json").unlink()
    assert only(evaluate(run, "diversity", batch_size=4))["scores"] == resumed["scores"]


def test_images_of_one_caption_differ_and_those_of_more_are_the_same(trained: Path, tmp_path: Path) -> None:
    pipe = zoo.load(trained, device="cpu")
    captions = ["a red bird", "a red bird", "a blue bird"]

    def pixels(name: str, captions: list[str], truncation: float | None = None) -> torch.Tensor:
        generated = GeneratedImages(pipe, tmp_path / name, seed=3, truncation=truncation, batch_size=2)
        generated.generate(captions, quiet=True)
        return torch.cat(list(generated.batches(len(captions))))

    three = pixels("three", captions)
    assert three.shape == (3, 3, 32, 32)
    assert not torch.equal(three[0], three[1]), "the same caption from another noise"
    assert torch.equal(pixels("two", captions[:2]), three[:2])
    assert not torch.equal(pixels("near", captions, truncation=0.1), three)


def test_two_evaluations_at_once_do_not_disturb_each_other(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = zoo.load(trained, device="cpu")
    captions = [f"a {colour} bird" for colour in ("red", "blue", "green", "black", "white", "pink")]

    def generated(name: str) -> GeneratedImages:
        return GeneratedImages(pipe, tmp_path / name, seed=3, truncation=None, batch_size=2)

    alone = generated("alone")
    alone.generate(captions, quiet=True)
    first, second = generated("shared"), generated("shared")
    original = GeneratedImages._batch

    def meanwhile(self: GeneratedImages, captions_: Any, numbers: Any) -> Any:
        if self is first and 2 in numbers:  # the other begins in the midst, ends, and clears up
            second.generate(captions, quiet=True)
            second.remove()
        return original(self, captions_, numbers)

    monkeypatch.setattr(GeneratedImages, "_batch", meanwhile)
    first.generate(captions, quiet=True)
    assert torch.equal(*(torch.cat(list(each.batches(len(captions)))) for each in (first, alone)))


def test_truncated_noise_lies_within_and_keeps_its_order(trained: Path, tmp_path: Path) -> None:
    generated = GeneratedImages(
        zoo.load(trained, device="cpu"), tmp_path / "x", seed=0, truncation=0.7, batch_size=2
    )
    noise = torch.randn(1000, generator=torch.Generator().manual_seed(0))
    bent = generated._noise(noise)
    assert bent.abs().max() <= 0.7
    assert torch.equal(bent.argsort(), noise.argsort())
    assert bent.std() == pytest.approx(0.39, abs=0.03), "nearly uniform, so narrow is the rest"


def test_protocols_that_differ_have_different_names() -> None:
    (small,) = asked(["fid-test-5k"], ["fid-test-5k.features=judge"], 400, allow_small=True)
    assert small.identity(64, {}) == "fid-test-5k@1[features=judge, images=400, resolution=64]"
    (resized,) = asked(["fid-test-5k"], ["fid-test-5k.resize=128"])
    assert resized.identity(64, {}) == "fid-test-5k@1[resize=128]"
    (same,) = asked(["fid"], ["fid.features=inception"], 5000)
    assert same.identity(64, {}) == "fid-test-5k@1[resolution=64]", "nothing was changed"


@pytest.mark.parametrize(
    ("names", "changes", "images", "message"),
    [
        (["fidd"], [], None, "no protocol or metric is called 'fidd'; did you mean 'fid'"),
        (["fid"], ["fid.fetures=judge"], None, "fid.fetures: no such value; did you mean 'features'"),
        (["fid"], ["kid.features=judge"], None, "'kid' is not among the metrics; did you mean 'fid'"),
        (["fid"], ["features=judge"], None, "expected PROTOCOL.KEY=VALUE"),
        (
            ["r-precision"],
            ["r-precision.candidates=1"],
            None,
            "r-precision.candidates: input should be greater",
        ),
        (
            ["fid"],
            ["fid.resize=big"],
            None,
            "fid.resize: expected a resolution in pixels, or null, got 'big'",
        ),
        (["fid"], ["fid.truncation=-1"], None, "fid.truncation: expected a number above 0"),
        (["fid"], [], 100, r"expects 5000 images, got 100.*--allow-small .*fid-test-5k@1\[images=100\]"),
    ],
)
def test_what_cannot_be_asked_for(names: list[str], changes: list[str], images: int, message: str) -> None:
    with pytest.raises(ZooError, match=message):
        asked(names, changes, images)


def test_images_that_are_not_finite_are_reported(run: Path) -> None:
    file = run / "model" / "generator.safetensors"
    # finite weights, which a checked file has, whose products are not
    huge = {name: (tensor * 1e30).to(tensor.dtype) for name, tensor in load_file(file).items()}
    save_file(huge, file)
    with pytest.raises(ZooError, match=r"generates values that are not finite .* first in image 0"):
        evaluate(run, "diversity")
    assert not (run / "results.json").exists()


def test_too_few_classes_for_the_negatives(run: Path) -> None:
    with pytest.raises(ZooError, match="r-precision: candidates=100 asks for 99 captions of other classes"):
        evaluate(run, "r-precision", changes=(), data="aviary:10")


def test_a_folder_of_images_as_the_data(run: Path, tmp_path: Path) -> None:
    """One without captions, one of smaller images, one that has only a training split."""
    folder = tmp_path / "images"
    folder.mkdir()
    rows = []
    for number in range(12):
        Image.new("RGB", (40, 40), (number * 20, 0, 0)).save(folder / f"{number}.png")
        rows.append(json.dumps({"file_name": f"{number}.png", "text": f"a red bird number {number}"}))
    with pytest.raises(ZooError, match=r"has no captions|is measured on the split"):
        evaluate(run, "diversity", data=f"images:{folder}")
    (folder / "metadata.jsonl").write_text("\n".join(rows))
    with pytest.raises(ZooError, match=r"split 'test', which .* does not have; it has train"):
        evaluate(run, "diversity", data=f"folder:{folder}")
    train = ["fid.split=train", "fid.features=own"]
    small = [*train, "fid.resize=64"]
    with pytest.raises(ZooError, match=r"0 has 40×40 pixels, and images are compared at 64 px"):
        evaluate(run, "fid", data=f"folder:{folder}", changes=small)
    assert only(evaluate(run, "fid", data=f"folder:{folder}", changes=train))["scores"]["fid"]["value"] > 0


def test_without_a_network_the_inception_weights_are_missed_in_a_line(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    with pytest.raises(
        ZooError, match=r"^fid-test-5k: the Inception weights of FID cannot[\s\S]*features=judge"
    ):
        evaluate(run, "fid")
    with pytest.raises(ZooError, match="fid-test-5k: timm has no model 'resnet1'; did you mean"):
        evaluate(run, "fid", changes=["fid.features=timm:resnet1"])
    with pytest.raises(ZooError, match=r"timm has no model 'xyz'; timm\.list_models\(\) names them$"):
        evaluate(run, "fid", changes=["fid.features=timm:xyz"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            "fid.features=jugde",
            "fid.features: no extractor is called 'jugde'; did you mean 'judge'.*inception",
        ),
        ("fid.features=timm", "fid.features: expected timm:MODEL, got 'timm'"),
        ("fid.features=own:here", "fid.features: own takes nothing after a colon, got 'here'"),
        ("fid.features=/", "fid.features: / is a folder that no extractor reads"),
        (
            'fid.features={"use": "judge", "imags": 9}',
            "fid.features.imags: no such setting; did you mean 'images'",
        ),
        ("retrieval.matcher=judge", "retrieval-1k: judge gives no captions; expected one of matcher, own"),
        ("attributes.judge=own", "attributes-2k: own gives no attributes; expected one of judge"),
        ("inception-score.features=own", "is-10x: own gives no logits; expected one of inception, timm"),
    ],
)
def test_extractors_that_cannot_be_used_are_refused(run: Path, change: str, message: str) -> None:
    with pytest.raises(ZooError, match=message):
        evaluate(run, change.partition(".")[0], changes=[change])


def test_an_extractor_has_settings_which_name_another_protocol(run: Path) -> None:
    choice = '{"use": "judge", "practice": 48, "tests": 24, "images": 64}'
    (result,) = evaluate(run, "fid", changes=[f"fid.features={choice}"])["results"]
    assert f"[features={choice}, " in result["identity"]
    assert result["definition"]["settings"]["features"] == json.loads(choice)


def test_the_weights_of_an_extractor_from_a_file(run: Path, tmp_path: Path) -> None:
    file = tmp_path / "net.safetensors"
    torch.manual_seed(4)
    save_file(timm.create_model("test_resnet").state_dict(), file)
    result = only(evaluate(run, "diversity", changes=[f"diversity.features=timm:test_resnet={file}"]))
    assert "features=timm:test_resnet-" in result["identity"], "by content, not by place"
    assert str(tmp_path) not in result["identity"]
    with pytest.raises(ZooError, match=r"timm:test_resnet=nowhere\.pth: no such file"):
        evaluate(run, "diversity", changes=["diversity.features=timm:test_resnet=nowhere.pth"])


def test_what_is_lacking_is_said_before_anything_is_generated(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said: list[str] = []
    generate = GeneratedImages.generate

    def spied(self: GeneratedImages, *given: Any, **more: Any) -> None:
        said.append(capsys.readouterr().err)
        generate(self, *given, **more)

    monkeypatch.setattr(GeneratedImages, "generate", spied)
    missing = f"timm:test_resnet={tmp_path / 'nowhere.pth'}"
    changes = ["kid.features=own", f"fid.features={missing}", f"prc-test-5k.features={missing}", *SMALL[2:]]
    out = tmp_path / "results.json"
    asked_for = ("kid", "fid", "prc-test-5k", "diversity")
    with pytest.raises(NotMeasuredError) as error:
        evaluate(run, *asked_for, changes=changes, out=out, quiet=False)
    lacking = [
        "  kid-test-5k: kid: subset_size=1000 is more than the 12 real images; subset_size=12 is the maximum",
        f"  fid-test-5k, prc-test-5k: {missing}: no such file",
    ]
    assert str(error.value).splitlines() == [
        f"3 protocols could not be measured; what was measured is kept in {out}",
        *lacking,
    ]
    assert all(line in said[0] for line in lacking)
    assert "measuring diversity-10x100" in said[0]
    (result,) = read_results(out).results
    assert result.metric == "diversity"


def test_real_images_that_are_too_small_are_found_before_anything_is_generated(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for split in ("train", "test"):
        for number in range(4):
            file = tmp_path / "data" / split / f"{number}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (20, 20)).save(file)
        rows = (json.dumps({"file_name": f"{number}.png", "text": "a red bird"}) for number in range(4))
        (tmp_path / "data" / split / "metadata.jsonl").write_text("\n".join(rows))
    monkeypatch.setattr(GeneratedImages, "generate", None)
    with pytest.raises(ZooError, match=r"has 20×20 pixels, and images are compared at 32 px"):
        evaluate(run, "fid", data=f"folder:{tmp_path / 'data'}", changes=["fid.features=own"], images=4)


def test_neighbours_are_held_against_unseen_images_and_praise_nobody(run: Path, tmp_path: Path) -> None:
    results = evaluate(run, "neighbours", changes=["neighbours.features=own"])
    (row,) = by_score(Results.model_validate(results).results)[1]
    assert row[1] == "neighbours", "neither arrow"
    assert row[4] == "1"
    assert "as real images is best" in write_report(run, strict=True).read_text(encoding="utf-8")


def test_real_features_are_cached_by_content(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changes = ["fid.features=own"]
    first = only(evaluate(run, "fid", changes=changes))
    (run / "results.json").unlink()
    seen: list[str] = []
    from zoo.evaluation.study import PipelineStudy

    original = PipelineStudy._extracted

    def noting(self: PipelineStudy, images: Any, *rest: Any) -> Any:
        seen.append(images)
        return original(self, images, *rest)

    monkeypatch.setattr(PipelineStudy, "_extracted", noting)
    assert only(evaluate(run, "fid", changes=changes))["scores"] == first["scores"]
    assert seen == ["generated"], "the real ones were read from the cache"


def test_an_independent_matcher_is_named_by_its_content(run: Path) -> None:
    changes = [*SMALL[:2], f"r-precision.matcher={run / 'pretrain'}"]
    (result,) = evaluate(run, "r-precision", changes=changes)["results"]
    assert "matcher=damsm-aviary#" in result["identity"]
    assert str(run) not in result["identity"]


def fid(identity: str, score: Score, source: str = "aviary", fingerprint: str = "f") -> Result:
    return Result(
        protocol="fid",
        identity=identity,
        metric="fid",
        better="lower",
        definition={},
        scores={"fid": score},
        data=Source(source=source, fingerprint=fingerprint),
    )


def test_numbers_of_different_protocols_or_data_share_no_table() -> None:
    def results(*rows: tuple[str, str, float], fingerprint: str = "old") -> Results:
        found = [
            fid(identity, Score(value, 10, real=0.5, chance=value + 1), source, fingerprint)
            for identity, source, value in rows
        ]
        return Results(model="a", weights="w", results=found)

    tables = compared(
        {
            "a": results(("fid@1", "aviary", 1.0), ("fid@1[images=10]", "aviary", 2.0)),
            "b": results(("fid@1", "aviary", 3.0), ("fid@1", "garden", 4.0)),
        }
    )
    assert [table.title for table in tables] == [
        "fid@1 on aviary",
        "fid@1[images=10] on aviary",
        "fid@1 on garden",
    ]
    assert tables[0].head == ["model", "fid ↓"]
    # what is the same for all stands below them
    assert tables[0].rows == [["a", "1 (chance 2)"], ["b", "3 (chance 4)"], ["real", "0.5"]]
    assert tables[2].rows == [["b", "4"], ["real", "0.5"], ["chance", "5"]]
    redrawn = results(("fid@1", "aviary", 6.0), fingerprint="new")
    titles = [table.title for table in compared({"a": results(("fid@1", "aviary", 1.0)), "b": redrawn})]
    assert titles == ["fid@1 on aviary, content old", "fid@1 on aviary, content new"]


def command(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "zoo.cli", "eval", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
    )


def test_the_command_measures_and_compares(run: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(run, tmp_path / "other"))
    asked_for = (
        "--metrics",
        "diversity",
        "--set",
        "diversity.features=own",
        "--images",
        "20",
        "--allow-small",
    )
    done = command(run, other, "--data", DATA, *asked_for, "--table", "--format", "markdown", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    title, _, _, _, *rows = done.stdout.splitlines()
    assert "diversity-10x100@1[features=own, images=20, resolution=32]" in title
    assert [row.split("|")[1].strip() for row in rows] == [str(run), str(other)]
    again = command(run, other, "--table", "--format", "markdown", cwd=tmp_path)
    assert again.stdout == done.stdout, "from what was measured before"
    table = command(run, "--table", cwd=tmp_path)
    assert "diversity-10x100@1[features=own, images=20, resolution=32]" in table.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("RUN",), "missing --data and --metrics"),
        (("RUN", "--data", "aviary"), "missing --metrics NAME,NAME: zoo list protocol"),
        (("RUN", "--data", "aviary:40", "--metrics", "fidd"), "did you mean 'fid'"),
        (("RUN", "--table"), "nothing has been measured"),
        (("nowhere", "--data", "aviary:40", "--metrics", "fid"), "nowhere is not a model"),
        (
            ("RUN", "--data", "aviary:40", "--metrics", "fid", "--out", "/dev/null/r.json"),
            "/dev/null/r.json cannot be written",
        ),
        (("RUN", "--data", "aviary:40", "--metrics", "fid", "--images", "9"), "--allow-small"),
    ],
)
def test_mistakes_are_reported_in_a_line(
    arguments: tuple[str, ...], message: str, run: Path, tmp_path: Path
) -> None:
    result = command(*(a.replace("RUN", str(run)) for a in arguments), cwd=tmp_path)
    assert result.returncode == 2, result.stdout
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_a_file_that_holds_no_results_is_left_alone(run: Path) -> None:
    (run / "results.json").write_text('{"results": [1]}')
    with pytest.raises(ZooError, match=r"results\.json cannot be read: model: Field required"):
        evaluate(run, "diversity")
    assert (run / "results.json").read_text() == '{"results": [1]}'


def test_two_evaluations_of_one_model_lose_no_result(tmp_path: Path) -> None:
    path = tmp_path / "results.json"

    def put(number: int) -> None:
        add_result(path, "birds", "weights", fid(f"fid@{number}", Score(1.0, 2)))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(24)))
    found = {result.identity for result in read_results(path).results}
    assert found == {f"fid@{number}" for number in range(24)}


def test_a_place_that_takes_no_file_is_refused_before_anything_is_generated() -> None:
    with pytest.raises(ZooError, match=r"/proc/results.json cannot be written \(.*--out FILE"):
        writable(Path("/proc/results.json"))  # not even root writes there


@pytest.mark.parametrize(
    ("held", "place"),
    [
        ("runs/a/config.json", "runs/a/results.json"),
        ("runs/a/model/config.json", "runs/a/results.json"),
        ("runs/a/results.json", "runs/a/results.json"),  # of a run whose model was taken away
        ("runs/a/recipe.json", "runs/a/results.json"),
        ("runs/b/config.json", "runs-a.results.json"),  # then runs/a is a repository on the Hub
    ],
)
def test_where_results_lie(held: str, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / held).parent.mkdir(parents=True)
    (tmp_path / held).write_text("{}")
    assert place_of("runs/a") == Path(place)
