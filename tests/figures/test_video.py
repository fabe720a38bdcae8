"""The time lapse of a run's sample grids."""

from __future__ import annotations

import json
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from zoo import Pipeline
from zoo.assemble import Parts
from zoo.files.run import Run
from zoo.imaging.animation import write_timelapse
from zoo.training.samples import SampleGrid
from zoo_registry.contracts import Growth

from .conftest import mp4_frames, opened

COLOURS = [(200, 30, 30), (30, 160, 60), (40, 60, 200)]


def samples(run: Path, count: int, size: tuple[int, int] = (98, 47)) -> None:
    """One grid per step, each of one colour; later steps in an order that names would not sort."""
    (run / "samples").mkdir()
    for step, colour in zip((200, 4000, 10000), COLOURS[:count], strict=False):
        Image.new("RGB", size, colour).save(run / f"samples/step_{step:08d}.png")


def test_one_frame_a_grid_in_the_order_of_steps(tmp_path: Path) -> None:
    samples(tmp_path, 3)
    assert write_timelapse(Run(tmp_path)) == tmp_path / "timelapse.mp4"
    frames = mp4_frames(tmp_path / "timelapse.mp4")
    assert len(frames) == 3
    width, height = 12 * 98, 12 * 47
    for frame, colour in zip(frames, COLOURS, strict=True):
        assert frame.shape[1] == width
        assert height < frame.shape[0] < 1.15 * height
        assert frame.shape[0] % 2 == 0
        assert np.abs(frame[:height] - colour).mean() < 3, "the grid is enlarged and whole"
        below = frame[height + 2 :]
        assert (below < 100).any(), "a line is written"
        assert below[:, width // 2 :].min() > 240, "in the corner"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["samples", "timelapse.mp4"]


@pytest.mark.parametrize("count", [0, 1])
def test_of_less_than_two_grids_there_is_none(tmp_path: Path, count: int) -> None:
    if count:
        samples(tmp_path, count)
    assert write_timelapse(Run(tmp_path)) is None
    assert not (tmp_path / "timelapse.mp4").exists()


def test_without_ffmpeg_a_warning_and_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> str:
        raise RuntimeError("No ffmpeg exe could be found.")

    samples(tmp_path, 2)
    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", gone)
    with pytest.warns(UserWarning, match=r"timelapse\.mp4 cannot be written: No ffmpeg"):
        assert write_timelapse(Run(tmp_path)) is None
    assert [path.name for path in tmp_path.iterdir()] == ["samples"]


def test_a_growing_pipelines_grids_have_one_size_and_tell_their_resolution(
    wordless: Pipeline, tmp_path: Path
) -> None:
    grid = SampleGrid(Run(tmp_path), wordless.recipe, wordless.parts, [])
    grid.begin()
    for step, resolution in ((10, 4), (20, 8), (30, 16)):
        grid.generate(Parts(wordless.parts.modules, growth=Growth(resolution)), step)
    files = sorted((tmp_path / "samples").glob("*.png"))
    assert {opened(file).size for file in files} == {(8 * 18 - 2, 16)}
    assert [opened(file).info["resolution"] for file in files] == ["4", "8", "16"]
    assert write_timelapse(Run(tmp_path)) is not None
    frames = mp4_frames(tmp_path / "timelapse.mp4")
    assert len({frame.shape for frame in frames}) == 1
    lines = [frame[8 * 16 + 2 :] for frame in frames]
    assert np.abs(lines[0] - lines[2]).max() > 100, "another step, another resolution"
    assert json.loads((tmp_path / "samples/grid.json").read_text())["resolution"] == 16
