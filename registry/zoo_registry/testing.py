"""Conformance of a part to its contract, for whoever registers one. Needs torch.

    from zoo_registry.testing import check_component

    def test_my_conditioning() -> None:
        check_component(COMPONENT, width=8)

Shape letters: see zoo_registry.contracts.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from .component import KINDS, Component
from .contracts import (
    Condition,
    ConditionSpec,
    DataSource,
    Drawing,
    GeneratorSpec,
    ImageFeatures,
    Phase,
    Record,
    Round,
    Text,
    TextSource,
    TextSpec,
)
from .errors import ZooError
from .evaluation import EvaluationProtocol, Measured, Metric, Pictures
from .registry import catalogue
from .schema import fill, schema_of

if TYPE_CHECKING:
    from torch import Tensor, nn

CAPTIONS = (
    "a small red bird with a yellow beak",
    "the bird is blue",
    "this bird has black wings, a white belly and a very short grey beak",
)
_TEXT, _CONDITION, _SIDES = TextSpec(width=16, words=True), ConditionSpec(width=8), (32, 64)
_NEAR = 1e-5  # alone and in a batch, other kernels may run


def check_component(component: Component, **settings: Any) -> None:
    """Check a part against its contract.

    Shapes, range, gradient reach, save and load, determinism, independence of the batch.

    settings: of the part, where its defaults would be too large for a test. Raises AssertionError that says
    what is
    broken.
    """
    assert component.kind in KINDS, f"{component.kind!r} is no kind; kinds are {', '.join(KINDS)}"
    assert component.summary, "a part has a summary: one line for `zoo list`"
    assert component.load().__doc__, "a part's class has a docstring"
    checks: dict[str, Callable[[Component, Mapping[str, Any]], None]] = {
        "text_encoder": _text_encoder,
        "image_encoder": _image_encoder,
        "conditioning": _conditioning,
        "generator": _generator,
        "discriminator": _discriminator,
        "loss": _loss,
        "augmentation": _augmentation,
        "dataset": _dataset,
        "metric": _metric,
        "protocol": _protocol,
        "importer": _importer,
    }
    checks[component.kind](component, settings)


def _build(component: Component, settings: Mapping[str, Any], **wires: Any) -> Any:
    """The part with these settings, checked as in a recipe, its weights from a fixed seed."""
    import torch

    schema = schema_of(component)
    filled, problems = fill(schema.settings, settings, component.name)
    assert filled is not None, "; ".join(problems)
    again, _ = fill(schema.settings, filled.model_dump(mode="json"), component.name)
    assert again == filled, "settings written as JSON and read again give other settings"
    known = {TextSpec: _TEXT, ConditionSpec: _CONDITION, GeneratorSpec: GeneratorSpec(_SIDES, 8)}
    known |= {type(wire): wire for wire in wires.values()}
    for wire in schema.wires:
        assert wire in known, f"{wire.__name__} is no wire that a {component.kind} can be handed"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return component.load()(
            *(known[wire] for wire in schema.wires),
            **{name: getattr(filled, name) for name in schema.settings.model_fields},
        )


def _tensors(value: Any) -> list[Tensor]:
    """The tensors in a tree of tuples."""
    if isinstance(value, tuple | list):
        return [tensor for entry in value for tensor in _tensors(entry)]
    return [] if value is None or isinstance(value, int) else [value]


def _same(left: Any, right: Any, what: str, near: float = 0.0) -> None:
    for a, b in zip(_tensors(left), _tensors(right), strict=True):
        assert a.shape == b.shape, f"{what}: shapes {tuple(a.shape)} and {tuple(b.shape)}"
        gap = (a.float() - b.float()).abs().max().item() if a.numel() else 0.0
        assert gap <= near, f"{what}: differ by {gap:.2g}"


def _module(module: nn.Module, twin: nn.Module, run: Callable[[Any], Any]) -> None:
    """Determinism, gradient reach, and save and load of a network; `run` gives its output.

    Leaves it in eval mode.
    """
    import torch

    module.train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        outputs = [t for t in _tensors(run(module)) if t.requires_grad]
        # random weights, since the plain sum of a softmax or of a normalised output has no gradient
        if outputs:
            torch.stack([(t * torch.randn_like(t)).sum() for t in outputs]).sum().backward()
    for name, parameter in module.named_parameters():
        assert not parameter.requires_grad or parameter.grad is not None, f"{name}: no gradient reaches it"
        assert parameter.grad is None or parameter.grad.isfinite().all(), (
            f"{name}: its gradient is not finite"
        )
    module.zero_grad()
    module.eval()
    twin.eval()
    with torch.no_grad():
        first = run(module)
        for tensor in _tensors(first):
            assert not tensor.is_floating_point() or tensor.isfinite().all(), "the output is not finite"
        _same(first, run(module), "the same input twice in eval mode")
        twin.load_state_dict(module.state_dict())
        _same(first, run(twin), "saved and loaded weights")


def _batch_independent(
    whole: Any, alone: Callable[[int], Any], count: int, pick: Callable[[Any, int], Any]
) -> None:
    for row in range(count):
        _same(pick(whole, row), alone(row), f"row {row} alone and in a batch", _NEAR)


def _text_encoder(component: Component, settings: Mapping[str, Any]) -> None:
    import torch

    encoder, twin = (_build(component, settings, source=TextSource(captions=CAPTIONS)) for _ in range(2))
    tokens = encoder.tokenize(CAPTIONS)
    count, length = tokens.ids.shape
    assert tokens.ids.dtype == torch.int64, "token ids are int64"
    assert tokens.mask.dtype == torch.bool, "the mask is bool, True where there is a real token"
    assert tokens.mask.shape == (count, length), "the mask has the shape of the ids"
    assert tokens.mask.any(1).all(), "every caption has at least one real token"
    for caption in CAPTIONS:
        assert encoder.unknown(caption) == (), "a training caption has no unknown word"
    _module(encoder, twin, lambda module: module(tokens))
    with torch.no_grad():
        text = encoder(tokens)
        assert text.sentence.shape == (count, encoder.spec.width), "sentence is [B,D], D of its spec"
        assert (text.words is not None) == encoder.spec.words, "words come where the spec says so"
        if "words" not in component.given_if:
            assert ("words" in component.gives) == encoder.spec.words, "gives 'words' where the spec says so"
        if text.words is not None:
            assert text.mask is not None, "words come with their mask"
            assert text.words.shape == (*text.mask.shape, encoder.spec.width), "words are [B,L,D]"
            for caption, mask in zip(CAPTIONS, text.mask, strict=True):
                assert len(encoder.split(caption)) == mask.sum(), "split gives one piece a word"

        def real(text: Text, row: int) -> Any:
            if text.words is None or text.mask is None:
                return text.sentence[row]
            return text.sentence[row], text.words[row][text.mask[row]]

        batch = [CAPTIONS[row % count] for row in range(16)]
        together = encoder(encoder.tokenize(batch))
        _batch_independent(together, lambda row: real(encoder(encoder.tokenize([batch[row]])), 0), 16, real)
    with tempfile.TemporaryDirectory() as folder:
        encoder.save_tokenizer(Path(folder))
        again = _build(component, settings, source=TextSource(folder=Path(folder)))
        _same(tokens, again.tokenize(CAPTIONS), "tokens after the tokenizer was saved and loaded")


def _image_encoder(component: Component, settings: Mapping[str, Any]) -> None:
    import torch

    encoder, twin = (_build(component, settings) for _ in range(2))
    images = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    _module(encoder, twin, lambda module: module(images)[:2])
    with torch.no_grad():
        seen: ImageFeatures = encoder(images)
        assert seen.vector.shape == (3, _TEXT.width), "vector is [B,D], D of the text"
        assert (seen.regions is not None) == ("regions" in component.gives), (
            "gives 'regions' where there are any"
        )
        if seen.regions is not None:
            assert seen.grid is not None, "regions come with their grid"
            assert seen.regions.shape == (3, seen.grid[0] * seen.grid[1], _TEXT.width), (
                "regions are [B,h*w,D]"
            )
        _batch_independent(seen[:2], lambda row: encoder(images[row : row + 1])[:2], 3, _row)


def _row(value: Any, row: int) -> Any:
    return tuple(None if t is None else t[row : row + 1] for t in value)


def _conditioning(component: Component, settings: Mapping[str, Any]) -> None:
    import torch

    conditioning, twin = (_build(component, settings) for _ in range(2))
    source = torch.Generator().manual_seed(0)
    sentence = torch.randn(3, _TEXT.width, generator=source)
    noise = torch.randn(3, conditioning.width, generator=source)
    _module(conditioning, twin, lambda module: module(sentence, noise=noise))
    with torch.no_grad():
        condition: Condition = conditioning(sentence, noise=noise)
        assert condition.code.shape == (3, conditioning.width), "code is [B,width]"
        gaussian = condition.mean is not None and condition.logvar is not None
        assert gaussian == ("gaussian" in component.gives), "gives 'gaussian' where there are mean and logvar"
        if gaussian:
            _same(conditioning(sentence).code, condition.mean, "the code without noise and the mean")
        _batch_independent(
            condition, lambda row: conditioning(sentence[row : row + 1], noise=noise[row : row + 1]), 3, _row
        )


def _given(noise_width: int, count: int) -> tuple[Tensor, Condition, Text]:
    """Noise, condition and text of captions with unequal lengths, as a generator receives them."""
    import torch

    source = torch.Generator().manual_seed(0)
    mask = torch.arange(6)[None] < torch.arange(count)[:, None] % 6 + 1
    words = torch.randn(count, 6, _TEXT.width, generator=source)
    code, mean, logvar = torch.randn(3, count, _CONDITION.width, generator=source)
    text = Text(torch.randn(count, _TEXT.width, generator=source), words, mask)
    return torch.randn(count, noise_width, generator=source), Condition(code, mean, logvar), text


def _generator(component: Component, settings: Mapping[str, Any]) -> None:
    import torch

    generator, twin = (_build(component, settings) for _ in range(2))
    spec: GeneratorSpec = generator.spec
    count = 16
    noise, condition, text = _given(spec.noise_width, count)
    phase = Phase(spec.sides[-1], 0.5)
    kind = "growing" if spec.growing else "fixed-sides"
    assert kind in component.gives, f"this generator gives {kind!r}"
    filled, _ = fill(schema_of(component).settings, settings, component.name)
    assert component.load().largest_side(filled) == spec.sides[-1], "largest_side reads it off the settings"
    phases = [Phase(side, 0.5) for side in spec.sides] if spec.growing else [phase]
    _module(generator, twin, lambda module: [module(noise, condition, text, each) for each in phases])
    assert text.mask is not None
    with torch.no_grad():
        drawing: Drawing = generator(noise, condition, text, phase)
        shapes = [tuple(image.shape) for image in drawing.images]
        assert shapes == [(count, 3, side, side) for side in spec.sides_in(phase)], f"images have {shapes}"
        for image in drawing.images:
            assert spec.growing or image.abs().max() <= 1, "images are in [-1, 1]"
        for attention in drawing.attention:
            assert attention.shape[:2] == (count, 6), "attention is [B,L,h,w]"
            assert torch.allclose(attention.sum(1), torch.ones(())), "attention is a softmax over the words"
            assert (attention * ~text.mask[:, :, None, None]).max() == 0, "padding gets no attention"
        other = generator(noise.flip(0), condition, text, phase).images[-1]
        assert not torch.equal(other, drawing.images[-1]), "other noise gives other images"

        def alone(row: int) -> Any:
            one = slice(row, row + 1)
            return generator(
                noise[one], Condition(*_row(condition, row)), Text(*_row(text, row)), phase
            ).images

        _batch_independent(drawing.images, alone, count, _row)


def _discriminator(component: Component, settings: Mapping[str, Any]) -> None:
    import torch

    spec = GeneratorSpec(_SIDES, 8)
    if "growing" in component.needs:
        spec = GeneratorSpec((4, 8, 16, 32, 64), 8, growing=True)
    discriminator, twin = (_build(component, settings, generator=spec) for _ in range(2))
    source = torch.Generator().manual_seed(0)
    growing = "growing" in component.needs
    sides = _SIDES[-1:] if growing else _SIDES
    images = tuple(torch.rand(3, 3, side, side, generator=source) * 2 - 1 for side in sides)
    sentence = torch.randn(3, _TEXT.width, generator=source)
    phase = Phase(_SIDES[-1], 0.5)

    def run(module: Any) -> Any:
        if growing:  # every side has layers of its own
            return [
                judge(module, (torch.rand(3, 3, s, s, generator=torch.Generator()),), s) for s in spec.sides
            ]
        return judge(module, images, _SIDES[-1])

    def judge(module: Any, images: tuple[Tensor, ...], side: int) -> Any:
        features = module.features(images, Phase(side, 0.5))
        alone = module.score(features, None) if module.unconditional else ()
        return module.score(features, sentence), alone

    _module(discriminator, twin, run)
    with torch.no_grad():
        features = discriminator.features(images, phase)
        assert all(len(f) == 3 for f in features), "features are batch first"
        scores = discriminator.score(features, sentence)
        assert [tuple(s.shape) for s in scores] == [(3,)] * len(features), (
            "score gives logits [B], one a feature"
        )
        other = discriminator.score(features, sentence.flip(0))
        assert not all(torch.equal(a, b) for a, b in zip(scores, other, strict=True)), "it reads the sentence"
        _batch_independent(
            scores,
            lambda row: discriminator.score(
                discriminator.features(_row(images, row), phase), sentence[row : row + 1]
            ),
            3,
            _row,
        )
        silent = _build(component, settings, generator=spec, text=TextSpec(0))
        assert silent.unconditional, "without text a discriminator judges images alone"
        assert len(silent.score(silent.features(images, phase), None)) == len(features)


def _loss(component: Component, settings: Mapping[str, Any]) -> None:
    import torch
    from torch import nn

    class Judge(nn.Module):
        unconditional = True

        def __init__(self) -> None:
            super().__init__()
            self.pixels = nn.LazyLinear(8)
            self.joint = nn.Bilinear(8, _TEXT.width, 1)

        def features(self, images: tuple[Tensor, ...], phase: Phase) -> tuple[Tensor, ...]:
            return tuple(torch.tanh(self.pixels(i.mean((2, 3)))) for i in images)

        def score(self, features: tuple[Tensor, ...], sentence: Tensor | None) -> tuple[Tensor, ...]:
            return tuple((f.sum(1) if sentence is None else self.joint(f, sentence)[:, 0]) for f in features)

    def see(images: Tensor) -> ImageFeatures:
        regions = nn.functional.adaptive_avg_pool2d(images, 2).flatten(2).transpose(1, 2)  # [B,4,3]
        regions = regions.repeat(1, 1, 6)[:, :, : _TEXT.width]  # [B,4,D]
        return ImageFeatures(regions.mean(1), regions, (2, 2))

    loss = _build(component, settings)
    source = torch.Generator().manual_seed(0)
    _, condition, text = _given(8, 4)
    fake = tuple(torch.rand(4, 3, side, side, generator=source, requires_grad=True) for side in _SIDES)
    real = tuple(torch.rand(4, 3, side, side, generator=source) for side in _SIDES)
    assert condition.mean is not None
    assert condition.logvar is not None
    mean, logvar = condition.mean.requires_grad_(), condition.logvar.requires_grad_()
    round = Round(
        drawing=Drawing(fake),
        text=text._replace(sentence=text.sentence.requires_grad_()),
        real=real,
        sentence=text.sentence,
        condition=Condition(condition.code.requires_grad_(), mean, logvar),
        noise=torch.randn(4, _TEXT.width, generator=source),
        captions=(*CAPTIONS, CAPTIONS[0]),
        labels=torch.tensor([0, 1, 0, 2]),
        mismatch=(torch.tensor([0, 1, 2, 3]), torch.tensor([1, 2, 3, 0])),
        phase=Phase(_SIDES[-1]),
        source=torch.Generator(),
        discriminator=Judge(),
        image_encoder=see,
    )
    sides = {
        "generator": loss.generator(_with_own_source(round)),
        "discriminator": loss.discriminator(_with_own_source(round.detach())),
    }
    assert any(sides.values()), "a loss has at least one term"
    for side, terms in sides.items():
        for name, term in terms.items():
            assert term.shape == (), f"{side} term {name} is a scalar"
            assert term.isfinite(), f"{side} term {name} is finite"
            assert term.requires_grad, f"{side} term {name} can be minimised"
    again = loss.generator(_with_own_source(round))
    _same(tuple(sides["generator"].values()), tuple(again.values()), "the same round twice")


def _with_own_source(round: Round) -> Round:
    """The round without cached features, its random draws from the start."""
    import torch

    return replace(round, source=torch.Generator().manual_seed(0))


def _augmentation(component: Component, settings: Mapping[str, Any]) -> None:
    import torch

    augmentation, twin = (_build(component, settings) for _ in range(2))
    source = torch.Generator().manual_seed(0)
    images = torch.rand(4, 3, 32, 32, generator=source) * 2 - 1

    def run(module: Any) -> Tensor:
        changed: Tensor = module(images.requires_grad_(), torch.Generator().manual_seed(1))
        return changed

    for _ in range(3):
        augmentation.adapt((torch.ones(4), torch.ones(4)))
    changed = run(augmentation)
    assert changed.shape == images.shape, "images keep their shape"
    changed.square().sum().backward()
    assert images.grad is not None, "gradients pass to the images"
    assert images.grad.isfinite().all(), "gradients are finite"
    _same(changed, run(augmentation), "the same draws twice")
    twin.load_state_dict(augmentation.state_dict())
    _same(changed, run(twin), "saved and loaded")


def _dataset(component: Component, settings: Mapping[str, Any]) -> None:
    reader = component.load()
    if reader.folder_layout:
        with tempfile.TemporaryDirectory() as folder:
            assert not reader.recognises(Path(folder)), "an empty folder is not recognised"
        return
    first, second = (reader(DataSource("40", side=32), **settings) for _ in range(2))
    assert first.fingerprint() == second.fingerprint(), (
        "a drawn set has the same fingerprint for the same source"
    )
    assert "train" in first.splits(), "there is a split called train"
    for split in first.splits():
        records = first.records(split)
        assert len({record.name for record in records}) == len(records), "names are unique"
        for record, twin in zip(records[:3], second.records(split)[:3], strict=True):
            assert record.captions, "every picture has captions"
            assert record.captions == twin.captions, "captions are the same for the same source"
            image = record.image()
            assert image.mode == "RGB", "pictures are RGB"
            assert image.tobytes() == twin.image().tobytes(), "pictures are the same for the same source"


class _Study:
    """40 drawn pictures of 20 captions, 40 real and 40 training ones, of two classes; all by chance."""

    def __init__(self, metric: str) -> None:
        import torch
        from pydantic import create_model

        from .recipe import Choice, Recipe
        from .training import GanTraining

        reader = Component(kind="text_encoder", name="reader", target="", summary="")
        self.protocol = EvaluationProtocol(name="study", version=1, metric=metric, images=40, per_caption=2)
        self.recipe = Recipe(
            name="study",
            task="gan",
            paper="",
            pretrain=None,
            parts={"text_encoder": Choice(reader, create_model("no settings")())},
            losses=(),
            augmentations=(),
            train=GanTraining(),
        )
        self.device = torch.device("cpu")
        colours = ("red", "blue")
        self._split = [
            Record(
                name=str(number),
                image=Path(f"{number}.png"),
                captions=(f"a {colours[number % 2]} bird, the {number}th",),
                label=colours[number % 2],
                attributes={"colour": colours[number % 2]},
                stated=(frozenset({"colour"}),),
            )
            for number in range(40)
        ]
        self.records = tuple(self._split[number // 2] for number in range(40))
        self.captions = tuple(record.captions[0] for record in self.records)
        self.stated = tuple(record.stated[0] for record in self.records if record.stated)

    def of_split(self) -> list[Record]:
        return self._split

    def _draws(self, what: str, *shape: int) -> Tensor:
        import torch

        seed = {"drawn": 1, "real": 2, "train": 3, "captions": 4}[what]
        return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))

    def batches(self, pictures: Pictures) -> Any:
        return iter(self._draws(pictures, 40, 3, 16, 16).tanh().split(16))

    def features(self, pictures: Pictures, extractor: str, layer: str = "features") -> Tensor:
        return self._draws(pictures, 40, 8)

    def matched(self, matcher: str, captions: Any, pictures: Pictures = "drawn") -> tuple[Tensor, Tensor]:
        return self._draws(pictures, 40, 8), self._draws("captions", len(captions), 8)

    def judge(self) -> Any:
        class Judge:
            values: ClassVar = {"colour": ("red", "blue")}
            accuracy: ClassVar = {"colour": 1.0}
            chance: ClassVar = {"colour": 0.5}

            def read(self, images: Tensor) -> dict[str, Tensor]:
                return {"colour": (images[:, 0, 0, 0] > 0).long()}

        return Judge()


def _metric(component: Component, settings: Mapping[str, Any]) -> None:
    metric = _build(component, settings)
    assert isinstance(metric, Metric), "a metric has `measure`"
    assert metric.better in ("higher", "lower"), "it says which is better, higher or lower"
    assert not schema_of(component).wires, "a metric is built without wires"
    first, second = (metric.measure(_Study(component.name)) for _ in range(2))
    assert isinstance(first, Measured), "`measure` gives a `Measured`"
    assert first.scores, "it gives at least one score"
    for name, score in first.scores.items():
        assert math.isfinite(score.value), f"{name} is finite"
        assert score.count > 0, f"{name} says what it is taken over"
        low, high = score.interval or (score.value, score.value)
        assert low <= score.value <= high, f"{name} lies in its interval"
    assert first.scores == second.scores, "the same study gives the same scores"


def _protocol(component: Component, settings: Mapping[str, Any]) -> None:
    protocol = component.load()
    assert isinstance(protocol, EvaluationProtocol), "its target is an EvaluationProtocol"
    assert protocol.name == component.name, "it has the name that it is listed by"
    metric = catalogue().get("metric", protocol.metric)
    filled, problems = fill(schema_of(metric).settings, protocol.settings, component.name)
    assert filled is not None, "; ".join(problems)


def _importer(component: Component, settings: Mapping[str, Any]) -> None:
    import torch

    from .recipe import SINGLE

    importer = _build(component, settings)
    assert importer.parts, "an importer converts at least one part"
    for part in importer.parts:
        assert part in SINGLE, f"{part!r} is no part of a pipeline; those are {', '.join(SINGLE)}"
    assert importer.recipe, "it names the recipe that an imported model's parts are put into"
    other = {"a name of no system": torch.zeros(1)}
    for part in importer.parts:
        try:
            importer.convert(part, other)
        except ZooError:
            continue
        raise AssertionError(f"{part}: tensors of unknown names are converted; a ZooError tells of them")


__all__ = ["CAPTIONS", "check_component"]
