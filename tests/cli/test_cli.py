"""The command line as a user meets it: what it prints, and how it says what is wrong."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import small_models
from PIL import Image

TRAIN = ("--data", "aviary:40", "--out", "x")


def zoo(
    *arguments: str | Path, stdin: str | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    result = subprocess.run(
        [sys.executable, "-m", "zoo.cli", *map(str, arguments)],
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
    )
    assert "Traceback" not in result.stderr, result.stderr
    return result


def image(path: str | Path) -> Image.Image:
    with Image.open(path) as opened:
        return opened.copy()


def test_sample_a_caption(trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    result = zoo(
        "sample", trained, "a small red bird", "--images", "3", "--seed", "3", "--out", out, "--attention"
    )
    assert result.returncode == 0, result.stderr
    written = [str(tmp_path / f"out{ending}") for ending in (".png", ".attention.png", ".attention.npz")]
    assert result.stdout.splitlines() == written
    assert image(out).size == (3 * 32 + 2 * 2, 32), "one row of three images"
    assert image(tmp_path / "out.attention.png").width > 128
    again = zoo(
        "sample", trained, "a small red bird", "--images", "3", "--seed", "3", "--out", tmp_path / "b.png"
    )
    assert again.returncode == 0
    assert image(out).tobytes() == image(tmp_path / "b.png").tobytes()


def test_captions_from_a_file_and_from_standard_input(trained: Path, tmp_path: Path) -> None:
    file = tmp_path / "captions.txt"
    file.write_text("a red bird\n\na blue bird\n")
    assert zoo("sample", trained, "--captions", file, "--out", tmp_path / "file.png").returncode == 0
    assert (
        zoo("sample", trained, "--out", tmp_path / "pipe.png", stdin="a red bird\na blue bird\n").returncode
        == 0
    )
    arguments = ("--captions", "-", "--out", tmp_path / "dash.png")
    assert zoo("sample", trained, *arguments, stdin="a red bird\na blue bird\n").returncode == 0
    images = [image(tmp_path / f"{name}.png") for name in ("file", "pipe", "dash")]
    assert images[0].height == 2 * 32 + 2
    assert len({image.tobytes() for image in images}) == 1


def test_single_images_into_a_folder(trained: Path, tmp_path: Path) -> None:
    result = zoo("sample", trained, "a red bird", "a blue bird", "--images", "2", "--out", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    assert len(result.stdout.splitlines()) == 4
    assert {image(line).size for line in result.stdout.splitlines()} == {(32, 32)}


def test_unknown_words_are_named(trained: Path, tmp_path: Path) -> None:
    result = zoo("sample", trained, "a red zeppelin and a Blimp", "--out", tmp_path / "out.png")
    assert result.returncode == 0
    assert "zeppelin, blimp" in result.stderr
    nothing = zoo("sample", trained, "zeppelin blimp", "--out", tmp_path / "none.png")
    assert nothing.returncode == 2
    assert "no word of the caption 'zeppelin blimp' is known" in nothing.stderr
    assert not (tmp_path / "none.png").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("sample", "nowhere", "a bird"), "nowhere is not a model"),
        (("sample", "RUN", "--out", "o.png"), "no caption"),
        (("sample", "RUN", "a bird", "--out", "o.xyz"), "unsupported extension '.xyz'; use .png or .jpg"),
        (("sample", "RUN", "a bird", "--out", "/dev/null/o.png"), "/dev/null is a file; expected a folder"),
        (("sample", "RUN", "a bird", "--out", "-", "--attention"), "--out - is no file"),
        (("generate", "RUN", "a bird"), "there is no command 'generate'; did you mean 'zoo sample'?"),
        (("smaple", "RUN", "a bird"), "there is no command 'smaple'; did you mean 'sample'?"),
        (
            (
                "train",
                "attngan-aviary",
                *TRAIN,
                "--set",
                "train.log_with=['wandbb']",
            ),
            "train.log_with: no tracker is called 'wandbb'; did you mean 'wandb'?",
        ),
        (
            (
                "train",
                "t2f-portraits",
                "--data",
                "portraits:40",
                "--out",
                "x",
                "--set",
                "train.steps=2",
                "--set",
                "train.batch_size=8",
                "--set",
                "pretrain.train.batch_size=8",
            ),
            "2 steps for 3 resolutions",
        ),
        (("sample", "RUN", "a bird", "--out", "/dev/null"), "is a file"),
        (("sample", "RUN/pretrain", "a bird"), "RUN/pretrain has no generator and cannot generate"),
        (("sample", "RUN", "--captions", "missing.txt"), "a text file in UTF-8"),
        (("train", "attngn-birds", "--data", "aviary", "--out", "x"), "did you mean 'attngan-birds'"),
        (("train", "attngan-aviary", "--data", "aviary"), "missing --out"),
        (("train", "attngan-aviary", "--data", "avairy", "--out", "x"), "did you mean 'aviary'"),
        (("train", "attngan-aviary", "--data", "cub:nowhere", "--out", "x"), "nowhere does not exist"),
        (
            ("train", "attngan-aviary", "--data", "aviary:20", "--out", "x"),
            "there are 16 images to train on: --set pretrain.train.batch_size=16",
        ),
        (("train", "attngan-aviary", "--data", "aviary", "--out", "RUN"), "go on with: zoo train --resume"),
        (("train", "--resume", "nowhere"), "nowhere is no run"),
        (("train", "attngan-aviary", "--resume", "RUN"), "goes on with the run's own recipe"),
        (("show", "generator/attention-stage"), "did you mean 'attention-stages'"),
        (("list", "generators"), "did you mean 'generator'"),
        (("data", "make", "cub", "x", "--images", "3"), "cub reads folders"),
        (("data", "check", "nowhere"), "neither a folder nor a data set"),
    ],
)
def test_mistakes_are_reported_in_a_line(
    arguments: tuple[str, ...], message: str, trained: Path, tmp_path: Path
) -> None:
    result = zoo(*(a.replace("RUN", str(trained)) for a in arguments), cwd=tmp_path)
    assert result.returncode == 2, result.stdout
    assert message.replace("RUN", str(trained)) in result.stderr
    assert not (tmp_path / "x").exists(), "nothing half-written"


@pytest.mark.parametrize(
    ("images", "recipe", "message"),
    [
        (
            8,
            "gan-cls-garden",
            'give each a "class" in its metadata, or train without: '
            "--set pretrain.train.classes_as_units=false",
        ),
        (1, "attngan-aviary", "none of its 1 images is left to train on"),
        (11, "df-gan-aviary", "there are 9 images to train on: --set pretrain.train.batch_size=8"),
    ],
)
def test_data_that_a_recipe_cannot_use_are_told_with_the_setting_that_mends_it(
    images: int, recipe: str, message: str, tmp_path: Path
) -> None:
    folder = tmp_path / "mugs"
    folder.mkdir()
    lines = []
    for number in range(images):
        Image.new("RGB", (24, 24), (number * 20, 90, 120)).save(folder / f"{number}.png")
        lines.append(json.dumps({"file_name": f"{number}.png", "text": f"a mug of {number} colours"}))
    (folder / "metadata.jsonl").write_text("\n".join(lines))
    result = zoo("train", recipe, "--data", f"folder:{folder}", "--out", tmp_path / "x", "--device", "cpu")
    assert result.returncode == 2
    assert message in result.stderr
    assert not (tmp_path / "x").exists()


def test_data_info_is_a_table() -> None:
    lines = [line.split() for line in zoo("data", "info", "aviary:50").stdout.splitlines()]
    assert lines[:3] == [["train", "test"], ["images", "40", "10"], ["captions", "400", "100"]]
    assert ["problems:", "0"] in lines


def test_check_reports_all_problems_and_exits_1(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'extends = "attngan-birds"\nname = "mine"\ngenerator = { base_chanels = 3, resolutions = [64, 9] }\n'
    )
    result = zoo("check", path)
    assert result.returncode == 1
    assert "did you mean 'base_channels'" in result.stdout
    assert "generator.resolutions" in result.stdout
    assert zoo("check", "attngan-birds").stdout == "attngan-birds: can be built\n"


def test_debug_shows_the_traceback() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "zoo.cli", "--debug", "show", "loss/x"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    assert "Traceback" in result.stderr


def test_show_lock_and_doctor_for_programs() -> None:
    shown = json.loads(zoo("show", "generator/attention-stages", "--json").stdout)
    assert shown["wires"] == ["TextSpec", "ConditionSpec"]
    assert shown["settings"]["base_channels"]["default"] == 32
    assert json.loads(zoo("lock", "attngan-birds").stdout)["losses"][1]["weight"] == 5.0
    assert "extends" in zoo("show", "attngan-coco").stdout
    doctor = json.loads(zoo("doctor", "--json").stdout)
    assert {"python", "libraries", "plugins", "cuda", "cards", "cache", "clashes"} <= set(doctor)


def test_data_set_round_trip_and_bugs(tmp_path: Path) -> None:
    made = zoo("data", "make", "aviary", tmp_path / "birds", "--images", "20", "--resolution", "32")
    assert made.returncode == 0, made.stderr
    assert zoo("data", "check", tmp_path / "birds").stdout.endswith("0 problems\n")
    info = json.loads(zoo("data", "info", f"folder:{tmp_path / 'birds'}", "--json").stdout)
    assert info["splits"]["train"]["images"] == 16
    image = next((tmp_path / "birds/train").rglob("*.png"))
    image.write_bytes(b"")
    faulty = zoo("data", "check", tmp_path / "birds")
    assert faulty.returncode == 1
    assert image.name in faulty.stdout
    (tmp_path / "birds/train/metadata.jsonl").write_bytes(b'{"file_name": "x.png"\n')
    refused = zoo("train", "attngan-aviary", "--data", tmp_path / "birds", "--out", tmp_path / "run")
    assert refused.returncode == 2
    assert "problem" in refused.stderr
    assert f"zoo data check {tmp_path / 'birds'}" in refused.stderr
    assert not (tmp_path / "run").exists()


def test_drawing_imports_no_image_encoder(tmp_path: Path) -> None:
    """timm takes seconds to import, and a recipe that names it generates without."""
    folder = small_models.attending().save_pretrained(tmp_path / "birds")
    code = (
        "import sys, zoo; pipe = zoo.load(sys.argv[1], device='cpu'); pipe('a red bird')\n"
        "assert 'image_encoder' in pipe.recipe.parts and 'timm' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True)


@pytest.mark.parametrize("imported", ["typing", "zoo_registry", "typer"])
def test_ctrl_c_while_it_starts_says_nothing(imported: str) -> None:
    program = f"""
import os, signal, sys

class Interrupts:
    def find_spec(self, name, path=None, target=None):
        if name == {imported!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupts())
from zoo.__main__ import main
main()
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (-signal.SIGINT, "", "")


@pytest.mark.parametrize("closed", ["2>&-", ">&-"])
def test_closed_streams_stop_nothing(closed: str) -> None:
    command = f'"$1" -m zoo list generator {closed}'
    result = subprocess.run(
        ["sh", "-c", command, "sh", sys.executable], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0
    assert ("attention-stages" in result.stdout) == (closed == "2>&-")
