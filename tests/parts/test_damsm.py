"""The matching loss against a plain loop over captions, written from its definition."""

import pytest
import torch
import torch.nn.functional as F

from zoo_plugins.losses.damsm import DAMSM
from zoo_plugins.similarity import attention_maps, word_similarity
from zoo_registry.contracts import Generated, ImageFeatures, Round, Text

GAMMAS = (4.0, 5.0, 10.0)
LENGTHS = (5, 1, 3, 2, 5, 4)
LABELS = torch.tensor([0, 1, 0, 2, 1, 0])


def batch(regions_per_image=12):
    generate = torch.Generator().manual_seed(0)
    words = torch.randn(6, 5, 8, generator=generate).requires_grad_()
    regions = torch.randn(6, regions_per_image, 8, generator=generate).requires_grad_()
    sentence, vector = (torch.randn(6, 8, generator=generate).requires_grad_() for _ in range(2))
    mask = torch.arange(5) < torch.tensor(LENGTHS)[:, None]
    return Text(sentence, words, mask), ImageFeatures(vector, regions, (3, 4))


def round_of(text, features, labels=None):
    return Round(Generated((features.vector,)), text, labels=labels, image_encoder=lambda images: features)


def similarity_by_loop(text, features):
    """R of every image (rows) with every caption (columns), one pair at a time."""
    rows = []
    for regions in features.regions:
        row = []
        for words, length in zip(text.words, LENGTHS, strict=True):
            real = words[:length]  # [l,D]
            share = (real @ regions.T).softmax(0)  # [l,N], over words
            context = (GAMMAS[0] * share).softmax(1) @ regions  # [l,N] @ [N,D]
            row.append((GAMMAS[1] * F.cosine_similarity(context, real, dim=1)).exp().sum().log())
        rows.append(torch.stack(row))
    return torch.stack(rows)


def loss_by_loop(text, features, labels):
    sentences = torch.stack(
        [F.cosine_similarity(vector[None], text.sentence, dim=1) for vector in features.vector]
    )
    terms = {}
    for name, similarity in (("words", similarity_by_loop(text, features)), ("sentence", sentences)):
        logits = GAMMAS[2] * similarity
        ways = [0.0, 0.0]
        for i in range(6):
            rivals = [j for j in range(6) if j == i or labels is None or labels[j] != labels[i]]
            ways[0] = ways[0] + (logits[i, rivals].logsumexp(0) - logits[i, i]) / 6
            ways[1] = ways[1] + (logits[rivals, i].logsumexp(0) - logits[i, i]) / 6
        terms[f"damsm/{name}0"], terms[f"damsm/{name}1"] = ways
    return terms


@pytest.mark.parametrize("regions", [12, 4])  # more and fewer than their 8 channels
@pytest.mark.parametrize("labels", [None, LABELS])
def test_equals_the_loop_in_value_and_gradient(labels, regions):
    grads = []
    values = []
    for compute in (
        lambda text, features: DAMSM(gammas=GAMMAS).generator(round_of(text, features, labels)),
        lambda text, features: loss_by_loop(text, features, labels),
    ):
        text, features = batch(regions)
        terms = compute(text, features)
        sum(terms.values()).backward()
        values.append(terms)
        grads.append([text.words.grad, features.regions.grad, text.sentence.grad, features.vector.grad])
    assert values[0].keys() == values[1].keys()
    for name, value in values[0].items():
        assert torch.allclose(value, values[1][name], rtol=1e-5)
    for ours, loop in zip(*grads, strict=True):
        assert (ours - loop).abs().max() < 1e-5 * loop.abs().max()


@torch.no_grad()
def test_contexts_that_nearly_cancel_keep_their_lengths_in_bf16():
    """Opposite regions: rounding their products to 8 bits would leave nothing of the context's length."""
    text, features = batch(4)
    regions = features.regions * 0.05 + 4 * torch.tensor([1.0, -1.0, 1.0, -1.0])[None, :, None]
    text, features = text._replace(words=text.words * 0.1), features._replace(regions=regions)
    precise = word_similarity(text, features, *GAMMAS[:2])
    with torch.autocast("cpu", torch.bfloat16):
        rounded = word_similarity(text, features, *GAMMAS[:2])
    assert torch.allclose(precise, rounded, atol=0.3)


@torch.no_grad()
def test_padding_does_not_count():
    text, features = batch()
    filled = text._replace(words=torch.where(text.mask[..., None], text.words, 100.0))
    before, after = (word_similarity(t, features, *GAMMAS[:2]) for t in (text, filled))
    assert torch.allclose(before, after)


def test_padding_of_zeros_gives_no_nan():
    text, features = batch()
    words = (text.words * text.mask[..., None]).detach().requires_grad_()
    word_similarity(text._replace(words=words), features, *GAMMAS[:2]).sum().backward()
    assert words.grad.isfinite().all()
    assert not words.grad[~text.mask].any()


@torch.no_grad()
def test_attention_maps_show_each_caption_in_its_own_image():
    text, features = batch()
    maps = attention_maps(text, features, GAMMAS[0])
    assert maps.shape == (6, 5, 3, 4)
    assert torch.allclose(maps.sum((2, 3)), text.mask.float())
    words, regions = text.words[3, :2], features.regions[3]
    expected = (GAMMAS[0] * (words @ regions.T).softmax(0)).softmax(1)
    assert torch.allclose(maps[3, :2].flatten(1), expected)
