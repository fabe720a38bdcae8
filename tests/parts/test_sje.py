"""The structured joint embedding's hinge, in both directions."""

import pytest
import torch

from zoo_plugins.losses.sje import SJE
from zoo_registry.contracts import Generated, ImageFeatures, Round, Text


def terms(vectors, sentences, labels=None):
    round = Round(
        Generated((vectors,)),
        Text(sentences),
        labels=labels,
        image_encoder=lambda image: ImageFeatures(image),
    )
    return SJE().generator(round)


def test_it_is_the_hinge_of_every_wrong_pair_in_both_directions():
    source = torch.Generator().manual_seed(0)
    vectors, sentences = torch.randn(2, 5, 3, generator=source)
    image = text = 0.0
    for i in range(5):
        for j in range(5):
            if i != j:
                own = vectors[i] @ sentences[i]
                image += max(0.0, 1 + (vectors[i] @ sentences[j] - own).item()) / 25
                text += max(0.0, 1 + (vectors[j] @ sentences[i] - own).item()) / 25
    found = terms(vectors, sentences)
    assert found["sje/image"].item() == pytest.approx(image, rel=1e-5)
    assert found["sje/text"].item() == pytest.approx(text, rel=1e-5)
    assert image != pytest.approx(text, rel=1e-3)


def test_pairs_beyond_the_margin_cost_nothing_and_within_it_something():
    apart = torch.eye(3) * 1.1  # own pairs 1.21, others 0
    assert all(term == 0 for term in terms(apart, apart).values())
    near = torch.eye(3) * 0.9
    assert terms(near, near)["sje/image"].item() == pytest.approx(6 * 0.19 / 9, rel=1e-5)


def test_pairs_of_one_class_are_not_wrong():
    vectors = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    with_classes = terms(vectors, vectors, torch.tensor([4, 4, 7]))
    assert all(term == 0 for term in with_classes.values())
    assert all(term > 0 for term in terms(vectors, vectors).values())


def test_bf16_does_not_round_scores_by_the_margin():
    vectors = torch.tensor([[200.0, 0.25], [200.0, 1.0]])
    exact = terms(vectors, vectors)
    with torch.autocast("cpu", torch.bfloat16):
        assert terms(vectors, vectors)["sje/image"] == exact["sje/image"]
