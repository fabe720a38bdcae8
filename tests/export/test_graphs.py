"""Every text encoder, conditioning and generator of the catalogue gives in ONNX what it gives in torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from tiny_parts import tiny
from tiny_transformer import tiny_t5
from torch import Tensor, nn

from zoo.assemble import Parts, construct
from zoo.export.onnx_pipeline import CaptionError, OnnxPipeline
from zoo.export.to_onnx import NEAR, SamplingNetwork, write_graph
from zoo_registry import catalogue
from zoo_registry.contracts import ConditionSpec, Growth, Text, TextSource, TextSpec, Tokens
from zoo_registry.recipe import Choice
from zoo_registry.schema import fill, schema_of
from zoo_registry.testing import CAPTIONS

VARIANTS: dict[str, list[dict[str, Any]]] = {  # beside the tiny settings, where another path is taken
    "bilstm": [{"cell": "gru", "layers": 2}],
    "lstm": [{"read_out": "padded", "cell": "gru", "max_words": 20}],
    "char-cnn-rnn": [{"poolings": 2, "cell": "gru", "steps_as_words": True}],
    "transformer": [{"model": tiny_t5, "layers": None, "heads": None, "pooling": "first"}],
}
OTHERS = (
    "A RED bird!  İstanbul, naïve; 2 wings & 10_000 dots",
    "the bird is blue " * 20,
    "the qqq bird",
)


def names(kind: str) -> list[str]:
    return [
        c.name
        for p in catalogue().plugins
        if p.distribution == "t2i-zoo"
        for c in p.components
        if c.kind == kind
    ]


def built(kind: str, name: str, wires: Mapping[type, Any], changes: Mapping[str, Any]) -> Any:
    component = catalogue().get(kind, name)
    changed = {key: value() if callable(value) else value for key, value in changes.items()}
    settings, problems = fill(schema_of(component).settings, tiny(f"{kind}/{name}") | changed, name)
    assert settings is not None, problems
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        part = construct(Choice(component, settings), wires).eval()
        for parameter in part.parameters():  # at their usual start some parts give next to nothing
            if parameter.dim() > 1 and parameter.std() < 0.5:  # those of equalised layers are large
                nn.init.normal_(parameter, std=parameter[0].numel() ** -0.5)
    return part


class Reader(nn.Module):
    """A text encoder with plain tensors."""

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        text = self.encoder(Tokens(ids, mask))
        return tuple(part for part in text[:3] if part is not None)


CASES = [(name, changes) for name in names("text_encoder") for changes in [{}, *VARIANTS.get(name, [])]]


@pytest.mark.parametrize(("name", "changes"), CASES, ids=[f"{n}-{'-'.join(c)}".strip("-") for n, c in CASES])
def test_a_text_encoder_reads_the_same(name: str, changes: dict[str, Any], tmp_path: Path) -> None:
    encoder = built("text_encoder", name, {TextSource: TextSource(captions=CAPTIONS)}, changes)
    reader, rule = Reader(encoder), encoder.tokenizer_config()
    tokens = encoder.tokenize(CAPTIONS[:2])
    outputs = ["sentence", "words", "real"][: 3 if encoder.spec.words else 1]
    write_graph(
        reader, tokens._asdict(), outputs, tmp_path / "model.onnx", fixed=rule["scheme"] == "characters"
    )
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    for captions in (CAPTIONS, ["the bird is blue"], ["bird"]):
        tokens = encoder.tokenize(captions)
        with torch.no_grad():
            expected = reader(*tokens)
        given = session.run(outputs, {key: value.numpy() for key, value in tokens._asdict().items()})
        assert expected[0].std() > 0.01
        for ours, theirs in zip(given, expected, strict=True):
            np.testing.assert_allclose(ours.astype(float), theirs.numpy().astype(float), rtol=0, atol=NEAR)

    encoder.save_tokenizer(tmp_path)
    (tmp_path / "export.json").write_text(json.dumps({"tokens": rule}))
    exported = OnnxPipeline(tmp_path)
    for caption in (*CAPTIONS, *OTHERS):
        assert exported.ids(caption).tolist() == encoder.tokenize([caption]).ids[0].tolist()
        assert exported.unknown(caption) == encoder.unknown(caption)
    with pytest.raises(CaptionError, match="no word of the caption"):
        exported.ids("")


class Words(nn.Module):
    """A text encoder that looks words up."""

    spec = TextSpec(16, words=True)

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding.from_pretrained(
            torch.randn(20, 16, generator=torch.Generator().manual_seed(0))
        )

    def forward(self, tokens: Tokens) -> Text:
        words = self.table(tokens.ids) * tokens.mask[:, :, None]
        return Text(words.sum(1), words, tokens.mask)


def drawn_alike(parts: Parts, growth: Growth, path: Path) -> None:
    """Train-mode passes first, so that what batch norms have seen is not their start."""
    source = torch.Generator().manual_seed(0)
    width = parts.generator.spec.noise_width

    def inputs(lengths: list[int]) -> dict[str, Tensor]:
        count, longest = len(lengths), max(lengths)
        return {
            "noise": torch.randn(count, width, generator=source),
            "code_noise": torch.randn(count, parts.conditioning.width, generator=source),
            "ids": torch.randint(20, (count, longest), generator=source),
            "mask": torch.arange(longest) < torch.tensor(lengths)[:, None],
        }

    drawer = SamplingNetwork(parts, growth)
    with torch.no_grad():
        drawer.train()
        for _ in range(3):
            drawer(**inputs([3, 5, 2, 4]))
        drawer.eval()
    write_graph(drawer, inputs([4, 2]), ["image"], path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for lengths in ([1, 5, 3], [1]):
        given = inputs(lengths)
        with torch.no_grad():
            expected = drawer(**given)
        (image,) = session.run(["image"], {key: value.numpy() for key, value in given.items()})
        assert expected.std() > 0.02
        np.testing.assert_allclose(image, expected.numpy(), rtol=0, atol=NEAR)


CODES = cycle(names("conditioning"))
DRAWERS = [(generator, next(CODES), {}) for generator in names("generator")]
DRAWERS += [("attention-stages", "identity", {"mask_layout": "attngan"})]


@pytest.mark.parametrize(
    ("generator", "conditioning", "changes"), DRAWERS, ids=["-".join((g, c, *s)) for g, c, s in DRAWERS]
)
def test_a_generator_generates_the_same(
    generator: str, conditioning: str, changes: dict[str, Any], tmp_path: Path
) -> None:
    text = Words()
    code = built("conditioning", conditioning, {TextSpec: text.spec}, {})
    wires = {TextSpec: text.spec, ConditionSpec: ConditionSpec(code.width)}
    drawer = built("generator", generator, wires, changes)
    parts = Parts({"text_encoder": text, "conditioning": code, "generator": drawer})
    drawn_alike(parts, Growth(drawer.spec.resolutions[-1]), tmp_path / "model.onnx")


def test_every_conditioning_is_among_those_generated_with() -> None:
    assert {conditioning for _, conditioning, _ in DRAWERS} == set(names("conditioning"))
