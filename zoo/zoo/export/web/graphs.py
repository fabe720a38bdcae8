"""A pipeline as two ONNX graphs, so that a page can interpolate what a caption was read as.

`text.onnx` reads ids; `image.onnx` generates from noise and what was read, and tells its attention.
Shape letters: see zoo_registry.contracts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from zoo_registry import ZooError
from zoo_registry.contracts import Growth, Text, Tokens
from zoo_registry.errors import first_line

from ...assemble import Parts
from ...pipeline import Pipeline
from ..onnx_pipeline import torch_normal
from ..to_onnx import NEAR, reason, uses_noise, write_graph

TEXT, IMAGE = "text.onnx", "image.onnx"
Arrays = dict[str, NDArray[Any]]


class TextReader(nn.Module):
    """Ids to what the text encoder reads: a sentence [B,D], and words [B,L,D] where it has them."""

    def __init__(self, parts: Parts) -> None:
        super().__init__()
        self.encoder = parts.text_encoder

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        """`ids` and `mask` are [B,L]."""
        text: Text = self.encoder(Tokens(ids, mask))
        return (text.sentence,) if text.words is None else (text.sentence, text.words)


class ImageMaker(nn.Module):
    """Noise and what was read to the largest image [B,3,R,R], and a map [B,L,h,w] of each attention stage."""

    def __init__(self, parts: Parts, growth: Growth) -> None:
        super().__init__()
        self.parts, self.growth = parts, growth
        self.held = nn.ModuleDict(parts.modules)  # so that their weights are known as its own

    def forward(
        self,
        noise: Tensor,
        code_noise: Tensor | None,
        sentence: Tensor | None,
        words: Tensor | None,
        mask: Tensor | None,
    ) -> tuple[Tensor, ...]:
        """`noise` is [B,Z]; `code_noise` [B,C] where the conditioning samples; the rest as it was read."""
        nothing = noise.new_zeros(noise.shape[0], 0)
        text = Text(nothing if sentence is None else sentence, words, mask)
        condition = self.parts.condition(text, nothing if code_noise is None else code_noise)
        made = self.parts.generator(noise, condition, text, self.growth)
        return (made.images[-1], *made.attention)


@dataclass(frozen=True)
class Graphs:
    """The graphs of a folder, run as a page runs them: so they are compared with torch."""

    text: onnxruntime.InferenceSession | None
    image: onnxruntime.InferenceSession

    @classmethod
    def of(cls, folder: Path) -> Graphs:
        """Those that `write_graphs` wrote."""
        text = _session(folder / TEXT) if (folder / TEXT).is_file() else None
        return cls(text, _session(folder / IMAGE))

    @property
    def attention(self) -> list[str]:
        """The names of the outputs that are maps, a stage each."""
        return [output.name for output in self.image.get_outputs()[1:]]

    def read(self, ids: NDArray[np.int64], mask: NDArray[np.bool_]) -> Arrays:
        """What is read of ids [B,L]."""
        return _run(self.text, {"ids": ids, "mask": mask}) | {"mask": mask} if self.text else {}

    def generate(self, noise: NDArray[np.float32], code_noise: NDArray[np.float32], text: Arrays) -> Arrays:
        """The image and the maps, by their names."""
        return _run(self.image, {"noise": noise, "code_noise": code_noise, **text})


def write_graphs(pipe: Pipeline, folder: Path, caption: str) -> Graphs:
    """Write a pipeline on the CPU as `text.onnx`, where it reads text, and `image.onnx`.

    caption: one of several words that it knows, "" where it reads no text.
    Raises `ZooError` for a part that cannot be traced, and where an image differs by more than `NEAR`.
    """
    noise, code_noise = pipe.noise(0, 2)
    inputs: dict[str, Tensor | None] = {
        "noise": noise,
        "code_noise": code_noise if uses_noise(pipe) else None,
    }
    inputs |= dict.fromkeys(("sentence", "words", "mask"))
    try:
        if pipe.reads_text:
            inputs |= _write_text(pipe, folder / TEXT, caption)
        stages = _attention_stages(pipe, inputs)
        outputs = ["image", *(f"attention_{stage}" for stage in range(stages))]
        write_graph(ImageMaker(pipe.parts, pipe.growth), inputs, outputs, folder / IMAGE)
    except Exception as error:  # torch's exporter raises anything for a part that cannot be traced
        raise ZooError(f"{pipe.recipe.name} cannot be exported: {reason(error, pipe.parts)}") from error
    graphs = Graphs.of(folder)
    _compare(pipe, graphs, caption)
    return graphs


def _write_text(pipe: Pipeline, path: Path, caption: str) -> dict[str, Tensor | None]:
    """Write the text encoder; what it reads of the caption, twice."""
    tokens = pipe.tokens([caption, caption])
    assert tokens is not None
    rule = pipe.parts.text_encoder.tokenizer_config() or {}
    reader = TextReader(pipe.parts)
    with torch.no_grad():
        read = reader.eval()(*tokens)
    names = ("sentence", "words")[: len(read)]
    write_graph(
        reader,
        {"ids": tokens.ids, "mask": tokens.mask},
        names,
        path,
        fixed=rule.get("scheme") == "characters",
    )
    inputs: dict[str, Tensor | None] = dict(zip(names, read, strict=True))
    if "words" in inputs:
        inputs["mask"] = tokens.mask
    return inputs


@torch.no_grad()
def _attention_stages(pipe: Pipeline, inputs: Mapping[str, Tensor | None]) -> int:
    return len(ImageMaker(pipe.parts, pipe.growth).eval()(**inputs)) - 1


@torch.inference_mode()
def _compare(pipe: Pipeline, graphs: Graphs, caption: str) -> None:
    """Generate three images with both, another number of them than the graphs were traced with."""
    made = pipe.generate(caption, 0, 3)
    for image in range(3):
        try:
            found = generated(pipe, graphs, caption, 0, image)
        except Exception as error:  # onnxruntime's errors have no base of their own
            raise ZooError(f"{pipe.recipe.name} cannot be exported: {first_line(error)}") from error
        expected: Sequence[Tensor] = (made.images[-1], *made.attention)
        for tensor, array in zip(expected, found.values(), strict=True):
            gap = float(np.abs(tensor[image].numpy() - array[0]).max())
            if not gap <= NEAR:
                raise ZooError(
                    f"{pipe.recipe.name} cannot be exported: its images in ONNX differ from torch's by up to "
                    f"{gap:.2g} of a range of 2, expected {NEAR:g} at most"
                )


def generated(pipe: Pipeline, graphs: Graphs, caption: str, seed: int, image: int) -> Arrays:
    """Image i of a caption by the graphs alone, as the page generates it."""
    tokens = pipe.tokens([caption])
    text = {} if tokens is None else graphs.read(tokens.ids.numpy(), tokens.mask.numpy())
    widths = (pipe.parts.generator.spec.noise_width, pipe.parts.code_width)
    noise, code_noise = torch_normal(seed, image, widths)
    return graphs.generate(noise[None], code_noise[None], text)


def _session(path: Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def _run(session: onnxruntime.InferenceSession, given: Arrays) -> Arrays:
    expected = {entry.name: given[entry.name] for entry in session.get_inputs()}
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, cast("list[NDArray[Any]]", session.run(names, expected)), strict=True))
