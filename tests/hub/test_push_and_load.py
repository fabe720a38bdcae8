"""A model goes to the Hub in one commit and comes back by its name, over real HTTP."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from huggingface_hub import ModelCard
from PIL import Image
from tiny import TINY_CHANGES

from .conftest import Machine
from .hub_server import Fault, Hub

CAPTION = "a small red bird with black wings"
SAMPLED = {
    "config.json",
    "vocabulary.json",
    *(f"{p}.safetensors" for p in ("text_encoder", "conditioning", "generator")),
}


def pixels(path: Path) -> bytes:
    with Image.open(path) as image:
        return image.tobytes()


def fetched(hub: Hub, name: str = "ada/birds") -> set[str]:
    """The files that were asked for since the last look."""
    paths = [re.match(rf"/{name}/resolve/[^/]+/(.+)", asked.path) for asked in hub.asked]
    hub.asked.clear()
    return {path[1] for path in paths if path}


def test_a_run_is_pushed_and_sampled_by_its_name(hub: Hub, machine: Machine, run: Path) -> None:
    result = machine.zoo("push", run, "ada/birds", "--private", token="hf_ada")
    assert result.status == 0, result.err
    repository = hub.repositories["ada/birds"]
    assert repository.private
    assert len(repository.commits) == 2, "one commit after the repository's first"
    assert result.out.strip() == f"{hub.endpoint}/ada/birds/commit/{repository.refs['main']}"
    files = hub.files("ada/birds")
    training = {"training/discriminator.safetensors", "training/image_encoder.safetensors"}
    assert files.keys() == {*SAMPLED, *training, "README.md", "samples.png", ".gitattributes"}
    own = run / "model"
    assert all(files[name] == (own / name).read_bytes() for name in {*SAMPLED, *training} - {"config.json"})
    newest = sorted((run / "samples").glob("step_*.png"))[-1]
    assert files["samples.png"] == newest.read_bytes()

    hub.asked.clear()
    again = machine.zoo("push", run, "ada/birds", token="hf_ada")
    assert (again.status, again.out) == (0, result.out), "the same files: no new commit"
    assert len(repository.commits) == 2
    assert not [a for a in hub.asked if a.method == "PUT" or "/commit/" in a.path]

    repository.refs["v1"] = repository.refs["main"]
    assert machine.zoo("card", "ada/birds@v1", token="hf_ada").out.startswith("---\n")
    assert fetched(hub) == SAMPLED

    for out, place in (("here.png", run), ("there.png", "ada/birds@v1")):
        result = machine.zoo("sample", place, CAPTION, "--out", out, token="hf_ada")
        assert result.status == 0, result.err
    generated = pixels(machine.folder / "here.png")
    assert pixels(machine.folder / "there.png") == generated
    assert not fetched(hub), "what was fetched before is not fetched again"

    # The same without a network, and a local folder of that spelling.
    shutil.copytree(run, machine.folder / "ada" / "finches")
    offline = Machine(machine.home, hub.endpoint, HF_HUB_OFFLINE="1")
    offline.folder = machine.folder
    for command in (
        ("sample", "ada/birds@v1", CAPTION, "--out", "again.png"),
        ("sample", "ada/finches", CAPTION, "--out", "finches.png"),
        ("interpolate", "ada/birds@v1", "a red bird", "a blue bird", "--steps", "2"),
        ("pull", "ada/birds@v1"),
    ):
        result = offline.zoo(*command)
        assert (result.status, result.err) == (0, ""), result.err
    assert pixels(machine.folder / "again.png") == pixels(machine.folder / "finches.png") == generated
    refused = offline.zoo("sample", "ada/wrens", CAPTION)
    assert refused.status == 2
    assert re.search(r"^error: ada/wrens is not wholly in the cache, .* HF_HUB_OFFLINE is set", refused.err)
    assert not hub.asked
    offline.close()


def test_the_card_is_what_the_hub_reads(machine: Machine, run: Path) -> None:
    text = machine.zoo("card", run, "--repo", "ada/birds").out
    data = ModelCard(text).data.to_dict()
    assert {
        key: data[key] for key in ("pipeline_tag", "library_name", "license", "datasets", "language")
    } == {
        "pipeline_tag": "text-to-image",
        "library_name": "t2i-zoo",
        "license": "mit",
        "datasets": "aviary",
        "language": "en",
    }
    measured = json.loads((run / "results.json").read_text())["results"][0]
    (result,) = data["model-index"][0]["results"]
    assert result["task"]["type"] == "text-to-image"
    assert result["dataset"]["name"] == "aviary"
    (metric,) = result["metrics"]
    assert metric["type"] == "diversity"
    assert measured["identity"] in metric["name"], "the protocol, with what was changed"
    assert metric["value"] == pytest.approx(measured["scores"]["diversity"]["value"], rel=1e-5)
    (python,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(python.strip().splitlines()) == 5
    assert 'zoo.load("ada/birds")' in python
    (recipe,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    assert json.loads(recipe)["name"] == "attngan-aviary"
    assert {"## Limits", "## Intended use", "## Licence", "![samples](samples.png)"} <= set(text.splitlines())
    assert str(run.parent) not in text, "no path of this machine"
    stages = {"damsm-aviary": run / "pretrain", "attngan-aviary": run}
    steps = [
        json.loads((stage / "environment.json").read_text())["data"]["steps"] for stage in stages.values()
    ]
    each = ", ".join(f"{name} {count}" for name, count in zip(stages, steps, strict=True))
    result = rf"^Trained on a CPU: {sum(steps)} steps \({each}\) in \d+\.\d hours\."
    assert re.search(result, text, re.MULTILINE), "every stage counts"

    # Results of other weights are not this model's, and a licence can be stated.
    results = json.loads((run / "results.json").read_text())
    shutil.copytree(run, machine.folder / "on")
    (machine.folder / "on" / "results.json").write_text(json.dumps(results | {"weights": "0" * 16}))
    later = machine.zoo("card", "on", "--license", "cc-by-4.0").out
    assert "model-index" not in later
    assert ModelCard(later).data.license == "cc-by-4.0"


def test_what_training_alone_needs_comes_when_it_is_asked_for(hub: Hub, machine: Machine, run: Path) -> None:
    assert machine.zoo("push", run, "ada/birds", token="hf_ada").status == 0
    hub.asked.clear()
    evaluated = ("eval", "ada/birds", "--data", "aviary:40", "--metrics", "diversity", "--set")
    small = ("diversity.features=own", "--images", "20", "--allow-small")
    assert machine.zoo(*evaluated, *small).status == 0
    assert fetched(hub) == {*SAMPLED, "training/image_encoder.safetensors"}
    there = json.loads((machine.folder / "ada-birds.results.json").read_text())["results"]
    here = json.loads((run / "results.json").read_text())["results"]
    assert there[0]["scores"] == here[0]["scores"]

    result = machine.zoo("pull", "ada/birds", "birds", "--training")
    assert result.status == 0, result.err
    assert fetched(hub) == {"README.md", "samples.png", "training/discriminator.safetensors"}
    pulled = {
        p.relative_to(machine.folder / "birds").as_posix(): p for p in (machine.folder / "birds").rglob("*.*")
    }
    files = {name: content for name, content in hub.files("ada/birds").items() if name != ".gitattributes"}
    assert {name: path.read_bytes() for name, path in pulled.items()} == files
    result = machine.zoo("card", "birds").out
    card = ModelCard(result).data
    assert (card.license, card.datasets) == ("mit", "aviary"), "known without the run"
    assert re.search(r"Trained on a CPU: \d+ steps \(damsm-aviary \d+, attngan-aviary \d+\)", result)
    assert not any(path.is_symlink() for path in pulled.values()), "a copy that outlives the cache"
    refused = machine.zoo("pull", "ada/birds", "birds")
    assert (refused.status, refused.err.count("\n")) == (2, 1)
    assert "birds exists" in refused.err


def test_another_model_replaces_the_one_that_was_there(
    hub: Hub, machine: Machine, run: Path, tmp_path: Path
) -> None:
    hub.put(
        "ada/birds", {"training/style_encoder.safetensors": b"old", "notes.md": b"mine", "README.md": b"old"}
    )
    assert machine.zoo("push", run / "model", "ada/birds", token="hf_ada").status == 0
    files = hub.files("ada/birds")
    assert "training/style_encoder.safetensors" not in files, "a part that this model does not have"
    assert files["notes.md"] == b"mine"
    first = hub.repositories["ada/birds"].refs["main"]
    (tmp_path / "other").mkdir()
    shutil.copytree(run / "model", tmp_path / "other/model")
    vocabulary = tmp_path / "other/model/vocabulary.json"
    vocabulary.write_text(vocabulary.read_text() + "\n")
    hub.asked.clear()
    assert machine.zoo("push", tmp_path / "other", "ada/birds", token="hf_ada").status == 0
    assert hub.files("ada/birds")["vocabulary.json"] == vocabulary.read_bytes()
    assert first in hub.repositories["ada/birds"].commits, "the older revision can still be had"
    assert not [a for a in hub.asked if a.method == "PUT"], "the weights are there already"


STYLED = """
import zoo
from zoo_registry import Recipe, catalogue
from PIL import Image

changes = ["text_encoder.width=16", "text_encoder.channels=[8, 8, 8]", "conditioning.width=8"]
changes += ["generator.resolution=16", "generator.base_channels=8", "generator.noise_width=4"]
recipe = Recipe.read("style-garden", catalogue(), [*changes, "style_encoder.base_channels=8"])
pipe = zoo.Pipeline(recipe, zoo.build(recipe, ["a red flower"]))
print(pipe.push_to_hub("ada/style", private=True, license="cc-by-4.0"))
style = Image.effect_mandelbrot((40, 30), (-2, -1, 1, 1), 20)
wanted = pipe.restyle(style, "a red flower").images[-1]
again = zoo.load("ada/style", "main")
assert "style_encoder" not in again.parts
assert (again.restyle(style, "a red flower").images[-1] - wanted).abs().max() < 1e-6
try:
    zoo.load("ada/style@main", revision="v2")
except zoo.ZooError as error:
    print(error)
"""


def test_a_pipeline_is_pushed_and_its_style_encoder_comes_when_it_is_used(
    hub: Hub, machine: Machine, run: Path
) -> None:
    result = machine.zoo("python", STYLED, token="hf_ada")
    assert result.status == 0, result.err
    url, refused = result.out.splitlines()
    assert url.startswith(f"{hub.endpoint}/ada/style/commit/")
    assert refused == "ada/style@main: two revisions, 'main' and 'v2'"
    assert hub.repositories["ada/style"].private
    assert ModelCard(hub.files("ada/style")["README.md"].decode()).data.license == "cc-by-4.0"
    order = [asked.path.rpartition("/")[2] for asked in hub.asked if asked.method == "HEAD"]
    assert order[-1] == "style_encoder.safetensors", "after all that sampling needs"

    again = "import sys, zoo; zoo.load(sys.argv[3]).push_to_hub('ada/again')"
    result = machine.zoo("python", again, run, token="hf_ada")
    assert result.status == 0, result.err
    card = ModelCard(hub.files("ada/again")["README.md"].decode()).data
    assert card.eval_results, "the same weights, so the results that were measured with them"
    assert card.datasets == "aviary"
    assert hub.files("ada/again").keys() == {*SAMPLED, "README.md", "samples.png", ".gitattributes"}


def test_training_takes_parts_from_the_hub(hub: Hub, machine: Machine, run: Path) -> None:
    assert machine.zoo("push", run / "pretrain", "ada/damsm", token="hf_ada").status == 0
    text = hub.files("ada/damsm")["README.md"].decode()
    assert "pipeline_tag" not in text, "it generates nothing"
    own = [change for change in TINY_CHANGES if not change.startswith("pretrain.")]
    changes = [w for change in (*own, "pretrain=ada/damsm", "train.steps=1") for w in ("--set", change)]
    result = machine.zoo(
        "train", "attngan-aviary", "--data", "aviary:40", "--out", "run", *changes, "--quiet"
    )
    assert result.status == 0, result.err
    assert not (machine.folder / "run" / "pretrain").exists()
    taken = json.loads((machine.folder / "run/recipe.json").read_text())["text_encoder"]["weights"]
    assert taken == f"ada/damsm@{hub.repositories['ada/damsm'].refs['main']}#text_encoder"
    encoder = (machine.folder / "run/model/text_encoder.safetensors").read_bytes()
    assert encoder == hub.files("ada/damsm")["text_encoder.safetensors"]
    refused = machine.zoo("sample", "ada/damsm", CAPTION)
    assert "ada/damsm has no generator and cannot generate" in refused.err


def test_a_broken_upload_leaves_the_repository_as_it_was(hub: Hub, machine: Machine, run: Path) -> None:
    hub.put("ada/birds", {"README.md": b"before"})
    before = hub.files("ada/birds")
    for path, method, status, line in (
        (r"/lfs/", "PUT", 403, "answered 403: the token may not write it"),
        (r"/commit/", "POST", 503, "answered 503: Hub server error; try again later"),
        (r"/commit/", "POST", 412, "answered 412: it was changed at the same time; try again"),
    ):
        hub.faults[:] = [Fault(method, path, status, times=9)]
        result = machine.zoo("push", run, "ada/birds", token="hf_ada")
        assert result.status == 2
        assert line in result.err, result.err
        assert hub.files("ada/birds") == before
    hub.faults.clear()
    public = machine.zoo("push", run, "ada/birds", "--private", token="hf_ada")
    assert "ada/birds is there already and public: nothing was uploaded" in public.err
    assert hub.files("ada/birds") == before
    for token, line in (
        (None, "needs a token that may write for 'ada': log in with hf auth login, or set HF_TOKEN"),
        ("hf_reader", "answered 403: the token may not write"),
    ):
        result = machine.zoo("push", run, "ada/birds", token=token)
        assert result.status == 2
        assert line in result.err, result.err
    assert hub.files("ada/birds") == before
    assert "is not the name of a repository" in machine.zoo("push", run, "birds", token="hf_ada").err


def test_the_token_is_asked_for_before_anything_else(hub: Hub, machine: Machine) -> None:
    result = machine.zoo("push", "runs/that-are-not-there", "ada/birds")
    assert result.status == 2
    assert "pushing to ada/birds needs a token" in result.err
    assert not hub.asked
