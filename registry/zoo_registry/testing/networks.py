"""Encoders, conditionings, generators and discriminators.

Shape letters: see zoo_registry.contracts.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..component import Component
from ..contracts import Condition, Generated, GeneratorSpec, Growth, ImageFeatures, Text, TextSource, TextSpec
from ..schema import fill, schema_of
from .shared import (
    CAPTIONS,
    RESOLUTIONS,
    TEXT,
    batch_independent,
    build,
    given,
    module_conforms,
    row_of,
    same,
)

if TYPE_CHECKING:
    from torch import Tensor


def text_encoder(component: Component, settings: Mapping[str, Any]) -> None:
    """Tokens, sentence and words, a tokenizer that is saved and loaded."""
    import torch

    encoder, twin = (build(component, settings, source=TextSource(captions=CAPTIONS)) for _ in range(2))
    tokens = encoder.tokenize(CAPTIONS)
    count, length = tokens.ids.shape
    assert tokens.ids.dtype == torch.int64, "token ids are int64"
    assert tokens.mask.dtype == torch.bool, "the mask is bool, True where there is a real token"
    assert tokens.mask.shape == (count, length), "the mask has the shape of the ids"
    assert tokens.mask.any(1).all(), "every caption has at least one real token"
    for caption in CAPTIONS:
        assert encoder.unknown(caption) == (), "a training caption has no unknown word"
    module_conforms(encoder, twin, lambda module: module(tokens))
    with torch.no_grad():
        text = encoder(tokens)
        assert text.sentence.shape == (count, encoder.spec.width), "sentence is [B,D], D of its spec"
        assert (text.words is not None) == encoder.spec.words, "words come where the spec says so"
        if "words" not in component.given_if:
            assert ("words" in component.gives) == encoder.spec.words, "gives 'words' where the spec says so"
        assert (text.ids is not None) == (encoder.spec.entries > 0), "ids come where the spec has entries"
        assert ("vocabulary" in component.gives) == (text.ids is not None), "gives 'vocabulary' for ids"
        if text.ids is not None:
            assert text.mask is not None, "ids come with their mask"
            assert text.ids.shape == text.mask.shape, "ids are [B,L], as the mask"
            assert 0 <= int(text.ids.min()) <= int(text.ids.max()) < encoder.spec.entries, "ids below entries"
        if text.words is not None:
            assert text.mask is not None, "words come with their mask"
            assert text.words.shape == (*text.mask.shape, encoder.spec.width), "words are [B,L,D]"
            for caption, mask in zip(CAPTIONS, text.mask, strict=True):
                assert len(encoder.split(caption)) == mask.sum(), "split gives one piece per word"

        def real(text: Text, row: int) -> Any:
            if text.words is None or text.mask is None:
                return text.sentence[row]
            return text.sentence[row], text.words[row][text.mask[row]]

        batch = [CAPTIONS[row % count] for row in range(16)]
        together = encoder(encoder.tokenize(batch))
        batch_independent(together, lambda row: real(encoder(encoder.tokenize([batch[row]])), 0), 16, real)
    with tempfile.TemporaryDirectory() as folder:
        encoder.save_tokenizer(Path(folder))
        again = build(component, settings, source=TextSource(folder=Path(folder)))
        same(tokens, again.tokenize(CAPTIONS), "tokens after the tokenizer was saved and loaded")


def image_encoder(component: Component, settings: Mapping[str, Any]) -> None:
    """A vector, and regions where it gives them."""
    import torch

    encoder, twin = (build(component, settings) for _ in range(2))
    images = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    module_conforms(encoder, twin, lambda module: module(images)[:2])
    with torch.no_grad():
        features: ImageFeatures = encoder(images)
        assert features.vector.shape == (3, TEXT.width), "vector is [B,D], D of the text"
        assert (features.regions is not None) == ("regions" in component.gives), (
            "gives 'regions' where there are any"
        )
        if features.regions is not None:
            assert features.grid is not None, "regions come with their grid"
            assert features.regions.shape == (3, features.grid[0] * features.grid[1], TEXT.width), (
                "regions are [B,h*w,D]"
            )
        batch_independent(features[:2], lambda row: encoder(images[row : row + 1])[:2], 3, row_of)


def conditioning(component: Component, settings: Mapping[str, Any]) -> None:
    """A code, and mean and variance where it gives them."""
    import torch

    conditioning, twin = (build(component, settings) for _ in range(2))
    source = torch.Generator().manual_seed(0)
    sentence = torch.randn(3, TEXT.width, generator=source)
    noise = torch.randn(3, conditioning.width, generator=source)
    module_conforms(conditioning, twin, lambda module: module(sentence, noise=noise))
    with torch.no_grad():
        condition: Condition = conditioning(sentence, noise=noise)
        assert condition.code.shape == (3, conditioning.width), "code is [B,width]"
        gaussian = condition.mean is not None and condition.logvar is not None
        assert gaussian == ("gaussian" in component.gives), "gives 'gaussian' where there are mean and logvar"
        if gaussian:
            same(conditioning(sentence).code, condition.mean, "the code without noise and the mean")
        batch_independent(
            condition,
            lambda row: conditioning(sentence[row : row + 1], noise=noise[row : row + 1]),
            3,
            row_of,
        )


def generator(component: Component, settings: Mapping[str, Any]) -> None:
    """Images of its resolutions in range, attention without padding, one image alone as in a batch."""
    import torch

    generator, twin = (build(component, settings) for _ in range(2))
    spec: GeneratorSpec = generator.spec
    count = 16
    noise, condition, text = given(spec.noise_width, count)
    growth = Growth(spec.resolutions[-1], 0.5)
    kind = "growing" if spec.growing else "fixed-resolutions"
    assert kind in component.gives, f"this generator gives {kind!r}"
    filled, _ = fill(schema_of(component).settings, settings, component.name)
    assert component.load().largest_resolution(filled) == spec.resolutions[-1], (
        "largest_resolution reads it off the settings"
    )
    growths = [Growth(resolution, 0.5) for resolution in spec.resolutions] if spec.growing else [growth]
    module_conforms(
        generator, twin, lambda module: [module(noise, condition, text, each) for each in growths]
    )
    assert text.mask is not None
    with torch.no_grad():
        generated: Generated = generator(noise, condition, text, growth)
        shapes = [tuple(image.shape) for image in generated.images]
        assert shapes == [(count, 3, resolution, resolution) for resolution in spec.resolutions_at(growth)], (
            f"images have {shapes}"
        )
        for image in generated.images:
            assert spec.growing or image.abs().max() <= 1, "images are in [-1, 1]"
        for attention in generated.attention:
            assert attention.shape[:2] == (count, 6), "attention is [B,L,h,w]"
            assert torch.allclose(attention.sum(1), torch.ones(())), "attention is a softmax over the words"
            assert (attention * ~text.mask[:, :, None, None]).max() == 0, "padding gets no attention"
        other = generator(noise.flip(0), condition, text, growth).images[-1]
        assert not torch.equal(other, generated.images[-1]), "other noise gives other images"

        def alone(row: int) -> Any:
            one = slice(row, row + 1)
            return generator(
                noise[one], Condition(*row_of(condition, row)), Text(*row_of(text, row)), growth
            ).images

        batch_independent(generated.images, alone, count, row_of)


def discriminator(component: Component, settings: Mapping[str, Any]) -> None:
    """Logits that read the sentence; without text too."""
    import torch

    spec = GeneratorSpec(RESOLUTIONS, 8)
    if "growing" in component.needs:
        spec = GeneratorSpec((4, 8, 16, 32, 64), 8, growing=True)
    discriminator, twin = (build(component, settings, generator=spec) for _ in range(2))
    source = torch.Generator().manual_seed(0)
    growing = "growing" in component.needs
    resolutions = RESOLUTIONS[-1:] if growing else RESOLUTIONS
    images = tuple(
        torch.rand(3, 3, resolution, resolution, generator=source) * 2 - 1 for resolution in resolutions
    )
    sentence = torch.randn(3, TEXT.width, generator=source)
    text = given(8, 3)[2]
    growth = Growth(RESOLUTIONS[-1], 0.5)

    def run(module: Any) -> Any:
        if growing:  # every resolution has layers of its own
            return [
                judged(module, (torch.rand(3, 3, s, s, generator=torch.Generator()),), s)
                for s in spec.resolutions
            ]
        return judged(module, images, RESOLUTIONS[-1])

    def judged(module: Any, images: tuple[Tensor, ...], resolution: int) -> Any:
        features = module.features(images, Growth(resolution, 0.5))
        alone = module.score(features, None) if module.unconditional else ()
        matched = module.match(features, text) if "match" in component.gives else ()
        return module.score(features, sentence), alone, [each[:2] for each in matched]

    module_conforms(discriminator, twin, run)
    with torch.no_grad():
        features = discriminator.features(images, growth)
        assert all(len(f) == 3 for f in features), "features are batch first"
        scores = discriminator.score(features, sentence)
        assert scores, "score gives logits"
        assert all(tuple(s.shape) == (3,) for s in scores), "score gives logits [B]"
        other = discriminator.score(features, sentence.flip(0))
        assert not all(torch.equal(a, b) for a, b in zip(scores, other, strict=True)), "it reads the sentence"
        batch_independent(
            scores,
            lambda row: discriminator.score(
                discriminator.features(row_of(images, row), growth), sentence[row : row + 1]
            ),
            3,
            row_of,
        )
        if "match" in component.gives:
            image, caption = discriminator.match(features, text)
            assert image.vector.shape == caption.sentence.shape, "match gives vectors of one space"
        if "words" in component.needs:
            return
        silent = build(component, settings, generator=spec, text=TextSpec(0))
        assert silent.unconditional, "without text a discriminator judges images alone"
        assert len(silent.score(silent.features(images, growth), None)) == len(scores)
