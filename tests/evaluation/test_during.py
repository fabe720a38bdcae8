"""`train.evaluate`: metrics while a generator trains, and the model that is the best by one of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tiny import TINY_CHANGES

import zoo
from zoo import ZooError
from zoo.assemble import assemble
from zoo.evaluation.during import Measuring
from zoo.evaluation.study import Bench
from zoo.files.model import Model
from zoo.files.run import Run
from zoo_registry import catalogue
from zoo_registry.contracts import TextSource
from zoo_registry.training import Evaluation

PER_STEPS = {"every": 2, "metrics": ["diversity"], "changes": ["diversity.features=own"], "images": 20}
NAME = "diversity-10x100@1[features=own, images=20, resolution=32]"


def train(trained: Path, out: Path, steps: int = 6, seed: int = 0, **evaluate: Any) -> Path:
    changes = [c for c in TINY_CHANGES if not c.startswith(("pretrain.", "train.steps"))]
    inside = ", ".join(f"{key} = {json.dumps(value)}" for key, value in (PER_STEPS | evaluate).items())
    return zoo.train(
        "attngan-aviary",
        "aviary:40",
        out,
        changes=[
            *changes,
            f"pretrain={trained / 'pretrain'}",
            f"train.steps={steps}",
            f"train.seed={seed}",
            f"train.evaluate={{{inside}}}",
        ],
        device="cpu",
        quiet=True,
    )


def measured(run: Path) -> dict[int, float]:
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return {line["step"]: line["metrics"][NAME] for line in lines if "metrics" in line}


def test_metrics_are_logged_and_the_newest_results_kept(trained: Path, tmp_path: Path) -> None:
    run = train(trained, tmp_path / "run")
    values = measured(run)
    assert list(values) == [2, 4, 6]
    (result,) = json.loads((run / "results.json").read_text())["results"]
    assert result["scores"]["diversity"]["value"] == values[6]
    assert not list((run / "evaluation").glob("*")), "generated images are not left behind"


def test_measuring_changes_nothing_of_the_training(trained: Path, tmp_path: Path) -> None:
    with_metrics = train(trained, tmp_path / "a") / "model/generator.safetensors"
    without = train(trained, tmp_path / "b", every=1000) / "model/generator.safetensors"
    assert with_metrics.read_bytes() == without.read_bytes()


def test_the_model_is_the_best_by_a_metric(trained: Path, tmp_path: Path) -> None:
    for seed in range(8):
        run = train(trained, tmp_path / str(seed), seed=seed, best="diversity")
        values = measured(run)
        best = max(values, key=lambda step: values[step])
        if best != 6:  # else the newest would do as well
            break
    assert best != 6
    model = zoo.load(run, device="cpu")
    alone = train(trained, tmp_path / "alone", steps=best, seed=seed)
    assert (run / "model/generator.safetensors").read_bytes() == (
        alone / "model/generator.safetensors"
    ).read_bytes()
    assert model.resolution == 32


def test_generated_images_of_a_killed_run_are_not_measured(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Bench, "clear", lambda self: None)  # killed before it cleared up
    run = train(trained, tmp_path / "run", steps=2, changes=[f"diversity.features={trained / 'pretrain'}"])
    (line,) = [x for x in map(json.loads, (run / "log.jsonl").read_text().splitlines()) if "metrics" in x]
    ((identity, before),) = line["metrics"].items()
    assert str(trained) not in identity
    assert "features=damsm-aviary#" in identity, "as zoo eval would call it"
    assert list((run / "evaluation").glob("*"))

    recipe = zoo.Recipe.read(run / "recipe.json", catalogue())
    evaluate = recipe.task.load().plan(recipe.train).evaluate
    other = zoo.load(run, device="cpu").parts
    for parameter in other.generator.parameters():
        parameter.data.mul_(3.0)
    again = Measuring(Run(run), recipe, evaluate, "aviary:40", quiet=True)
    told, _ = again.measure(other, 2)  # the same step, other weights
    assert told[identity] != before


def test_features_of_real_images_are_those_of_the_encoders_that_train(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = trained / "model"
    recipe = Model(model).recipe()
    parts = assemble(recipe, TextSource(folder=model), folder=model)
    fid = Evaluation(every=1, metrics=("fid",), changes=("fid.features=own",), images=20)

    def measured(folder: str) -> list[float]:
        (tmp_path / folder).mkdir()
        found, _ = Measuring(Run(tmp_path / folder), recipe, fid, "aviary:40", quiet=True).measure(parts, 1)
        return list(found.values())

    before = measured("before")
    for parameter in parts.image_encoder.parameters():
        parameter.data.mul_(1.5)
    after = measured("after")
    assert after != before
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    assert measured("fresh") == after, "none were taken from the cache of other encoders"


@pytest.mark.parametrize(
    ("evaluate", "message"),
    [
        ({"metrics": ["diversty"], "changes": []}, "train.evaluate: .*did you mean 'diversity'"),
        ({"changes": ["diversity.feature=own"]}, "train.evaluate: diversity.feature: no such value"),
        (
            {"metrics": ["neighbours"], "changes": [], "best": "neighbours"},
            "train.evaluate: best: of neighbours neither higher nor lower values are better",
        ),
        ({"best": "fid"}, "train.evaluate: best: 'fid' is not among the metrics"),
    ],
)
def test_mistakes_are_reported_before_anything_is_trained(
    trained: Path, tmp_path: Path, evaluate: dict[str, Any], message: str
) -> None:
    with pytest.raises(ZooError, match=message):
        train(trained, tmp_path / "run", **evaluate)
    assert not (tmp_path / "run").exists()
