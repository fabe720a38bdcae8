"""A pipeline as one ONNX graph in a folder of its own: captions' ids and noise in, images out.

Shape letters: see zoo_registry.contracts.
"""

from __future__ import annotations

import inspect
import logging
import shutil
import traceback
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from zoo_registry import ZooError
from zoo_registry.contracts import Growth, Text, Tokens
from zoo_registry.errors import first_line

from ..assemble import Parts
from ..files import folder_written_beside, write_json
from ..pipeline import Pipeline
from .engine import DESCRIPTION
from .onnx_pipeline import FORMAT, OnnxPipeline, torch_normal

OPSET = 18
"""The version of ONNX's operator set that is written."""
NEAR = 1e-4
"""How far a pixel in [-1,1] may be from torch's."""
_COPIED = {"sample_onnx.py": "sample.py", "onnx_pipeline.py": "onnx_pipeline.py"}
_CAPTIONS = ("a small bird with a long red beak", "a red bird")  # for vocabularies that read any text


class SamplingNetwork(nn.Module):
    """The parts that sampling needs as one network: named tensors in, the largest image [B,3,R,R] out."""

    def __init__(self, parts: Parts, growth: Growth) -> None:
        super().__init__()
        self.parts, self.growth = parts, growth
        self.held = nn.ModuleDict(parts.modules)  # so that their weights are known as its own

    def forward(
        self, noise: Tensor, code_noise: Tensor | None, ids: Tensor | None, mask: Tensor | None
    ) -> Tensor:
        """`noise` is [B,Z]; `code_noise` [B,C] if the conditioning samples; `ids`, `mask` [B,L] with text."""
        nothing = noise.new_zeros(noise.shape[0], 0)
        text = Text(nothing)
        if ids is not None and mask is not None:
            text = self.parts.text_encoder(Tokens(ids, mask))
        condition = self.parts.condition(text, nothing if code_noise is None else code_noise)
        image: Tensor = self.parts.generator(noise, condition, text, self.growth).images[-1]
        return image


def write_onnx(pipe: Pipeline, out: Path) -> Path:
    """Write a pipeline on the CPU as a folder: `model.onnx`, `export.json`, the tokenizer, a sample script.

    Its images are compared with those of the pipeline. Raises `ZooError` for a folder that is there and
    not empty, for a text encoder that does not tell its tokenizer, for a part that cannot be traced, and
    where the images differ by more than `NEAR`.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ZooError(f"--out {out} exists and is not empty; expected a new folder")
    rule = pipe.parts.text_encoder.tokenizer_config() if pipe.reads_text else None
    if pipe.reads_text and rule is None:
        raise ZooError(
            f"{pipe.recipe.name} cannot be exported: its text encoder "
            f"{pipe.recipe.parts['text_encoder'].component.name!r} does not tell how captions become ids in "
            "a way that a program without it could follow (TextEncoder.tokenizer_config)"
        )
    with folder_written_beside(out) as beside:
        if pipe.reads_text:
            pipe.parts.text_encoder.save_tokenizer(beside)
        captions = _captions(rule, beside)
        inputs = _example(pipe, captions)
        fixed = rule is not None and rule["scheme"] == "characters"
        try:
            write_graph(
                SamplingNetwork(pipe.parts, pipe.growth),
                inputs,
                ["image"],
                beside / "model.onnx",
                fixed=fixed,
            )
        except Exception as error:  # torch's exporter raises anything for a part that cannot be traced
            raise ZooError(f"{pipe.recipe.name} cannot be exported: {reason(error, pipe.parts)}") from error
        write_json(beside / DESCRIPTION, _description(pipe, rule, inputs, beside / "model.onnx"))
        for name, copied in _COPIED.items():
            shutil.copyfile(Path(__file__).parent / name, beside / copied)
        _compare(pipe, beside, captions)
    return out


def write_graph(
    module: nn.Module,
    inputs: Mapping[str, Tensor | None],
    outputs: Sequence[str],
    path: Path,
    *,
    fixed: bool = False,
) -> None:
    """Write a network as ONNX. The number of rows is free, of `ids`, `mask` and `words` the length too.

    inputs: by the names of `forward`, examples of two rows or more; None: this network does not have it.
    fixed: the length is always that of the example.
    Raises what the exporter does where it cannot follow the network.
    """
    batch, length = torch.export.Dim("batch"), torch.export.Dim("length")
    shapes: dict[str, Any] = {name: None if tensor is None else {0: batch} for name, tensor in inputs.items()}
    for name in ("ids", "mask", "words"):
        if shapes.get(name) and not fixed:
            shapes[name] = {0: batch, 1: length}
    # the kernel of which the exporter knows what it does, strides and all
    with _quiet(), sdpa_kernel(SDPBackend.MATH):
        program = torch.onnx.export(
            module.eval(),
            kwargs=dict(inputs),
            input_names=[name for name, tensor in inputs.items() if tensor is not None],
            output_names=list(outputs),
            dynamic_shapes=shapes,
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    for node in program.model.graph.all_nodes():
        node.metadata_props.clear()  # where in which file it comes from: paths of this machine
    program.save(path, external_data=False)


def _captions(rule: Mapping[str, Any] | None, folder: Path) -> tuple[str, ...]:
    """A long and a short caption that the model knows."""
    if rule is None:
        return ("",)
    if rule["scheme"] != "words":
        return _CAPTIONS
    known = OnnxPipeline.vocabulary(folder)[1:]
    return (" ".join((known * 7)[:7]), " ".join((known * 3)[:3]))


def _example(pipe: Pipeline, captions: Sequence[str]) -> dict[str, Tensor | None]:
    """Inputs of `SamplingNetwork`, two rows."""
    noise, code_noise = pipe.noise(0, 2)
    tokens = pipe.tokens(captions)
    return {
        "noise": noise,
        "code_noise": code_noise if uses_noise(pipe) else None,
        "ids": None if tokens is None else tokens.ids,
        "mask": None if tokens is None else tokens.mask,
    }


@torch.inference_mode()
def uses_noise(pipe: Pipeline) -> bool:
    """Whether the conditioning's code depends on its noise."""
    if "conditioning" not in pipe.parts:
        return False
    sentence = torch.zeros(1, pipe.parts.text_encoder.spec.width)
    codes = [
        pipe.parts.conditioning(sentence, noise=torch.full((1, pipe.parts.conditioning.width), value)).code
        for value in (0.0, 1.0)
    ]
    return not torch.equal(*codes)


def _description(
    pipe: Pipeline, rule: Mapping[str, Any] | None, inputs: Mapping[str, Tensor | None], graph: Path
) -> dict[str, Any]:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(graph), providers=["CPUExecutionProvider"])

    def described(entries: Any) -> list[dict[str, Any]]:
        return [{"name": e.name, "type": e.type, "shape": list(e.shape)} for e in entries]

    code_noise = inputs["code_noise"]
    return {
        "format": FORMAT,
        "name": pipe.recipe.name,
        "opset": OPSET,
        "inputs": described(session.get_inputs()),
        "outputs": described(session.get_outputs()),
        "resolution": pipe.resolution,
        "noise_width": pipe.parts.generator.spec.noise_width,
        "code_width": 0 if code_noise is None else code_noise.shape[1],
        "tokens": rule,
        "made_with": pipe.made_with,
    }


@torch.inference_mode()
def _compare(pipe: Pipeline, folder: Path, captions: Sequence[str]) -> None:
    """Generate the same images with both, at other sizes than the graph was traced with."""
    exported = OnnxPipeline(folder)
    widths = (exported.config["noise_width"], exported.config["code_width"])
    noise, code_noise = (
        np.stack(rows) for rows in zip(*(torch_normal(0, i, widths) for i in range(3)), strict=True)
    )
    for caption in captions:
        tokens = pipe.tokens([caption])
        if tokens is not None and tokens.ids[0].tolist() != exported.ids(caption).tolist():
            raise ZooError(
                f"{pipe.recipe.name} cannot be exported: its text encoder's tokenizer_config leads to other "
                f"ids for {caption!r} than its tokenize"
            )
        reference = pipe.generate(caption, 0, len(noise)).images[-1].numpy()
        try:
            gap = float(np.abs(reference - exported.generate(caption, noise, code_noise)).max())
        except Exception as error:  # onnxruntime's errors have no base of their own
            raise ZooError(f"{pipe.recipe.name} cannot be exported: {first_line(error)}") from error
        if not gap <= NEAR:
            raise ZooError(
                f"{pipe.recipe.name} cannot be exported: its images in ONNX differ from torch's by up to "
                f"{gap:.2g} of a range of 2, {NEAR:g} is allowed"
            )


def reason(error: BaseException, parts: Parts) -> str:
    """Why a network could not be traced, and in which part."""
    while error.__cause__ is not None:
        error = error.__cause__
    files = [frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)]
    within = [kind for kind, part in parts.modules.items() if inspect.getfile(type(part)) in files]
    where = f"{within[-1].replace('_', ' ')}: " if within else ""
    return f"{where}{first_line(error)}"


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's remarks on its own work."""
    loggers = [logging.getLogger(name) for name in ("onnxscript", "onnx_ir", "torch.onnx")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
