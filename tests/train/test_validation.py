"""What is measured while encoders learn, on networks in eval mode that learn on afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from learners import INVERT, MATCH, learner
from torch import Tensor, nn

from zoo_plugins.tasks.match import retrieval
from zoo_registry.contracts import Batch, ImageFeatures, Text


class Held:
    """Six black images of one caption each."""

    captions = tuple(f"a flower of {number} petals" for number in range(6))

    def batches(self, size: int) -> Iterator[Batch]:
        for at in range(0, 6, size):
            captions = self.captions[at : at + size]
            pixels = torch.zeros(len(captions), 3, 32, 32, dtype=torch.uint8)
            yield Batch(pixels, captions, None, torch.arange(at, at + len(captions)))


class Zero(nn.Module):
    """A style encoder that reads nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def forward(self, images: Tensor) -> ImageFeatures:
        assert not self.training
        self.sizes.append(len(images))
        return ImageFeatures(torch.zeros(len(images), 4), None)


def test_the_error_of_reading_nothing_is_that_of_chance() -> None:
    task, _ = learner("style-garden", *INVERT, "train.held_out=200", data="garden:60")
    zero = task.task.style_encoder = Zero()
    held = Held()
    held.captions = Held.captions * 40
    measured = task.task.validate(held)
    assert measured == task.task.validate(held), "the images are the same each time"
    assert measured["inversion/error"] == pytest.approx(1.0, abs=0.1)
    assert zero.sizes == [4] * 100
    assert zero.training


def test_as_many_images_as_there_are_captions_or_as_are_asked_for() -> None:
    task, _ = learner("style-garden", *INVERT, "train.held_out=7", data="garden:60")
    zero = task.task.style_encoder = Zero()
    task.task.validate(Held())
    assert zero.sizes == [4, 2]
    wordless = Held()
    wordless.captions = ()
    task.task.validate(wordless)
    assert zero.sizes == [4, 2, 4, 3]


def test_matching_is_measured_in_eval_mode_and_learns_on() -> None:
    task, _ = learner("damsm-aviary", *MATCH)
    text, image = task.parts.text_encoder, task.parts.image_encoder
    before = text.training, image.training
    modes: list[bool] = []
    hooks = [
        part.register_forward_hook(lambda part, *_: modes.append(part.training)) for part in (text, image)
    ]
    measured = task.task.validate(Held())
    for hook in hooks:
        hook.remove()
    assert modes
    assert not any(modes)
    assert (text.training, image.training) == before
    # black images are all alike, so all of them tie
    assert measured["retrieval/r1"] < 1


def test_retrieval_counts_the_ranks_of_the_own_pair() -> None:
    """Image i is nearest to sentence i + 1, then to its own: rank 2 in both directions."""
    vectors = torch.eye(8)
    sentences = 0.9 * torch.eye(8) + torch.eye(8).roll(1, 0)
    found = retrieval(vectors, sentences)
    assert {found[f"retrieval/{name}"] for name in ("r1", "text_r1", "image_r1")} == {0.0}
    assert {found[f"retrieval/{name}"] for name in ("r5", "text_r5", "image_r5")} == {1.0}
    # image 0 is nearer to five other sentences, which are nearer to it than to their own
    sentences = torch.eye(8)
    sentences[1:6] *= 0.5
    sentences[1:6, 0] = 1.0
    sentences[0, 0], sentences[0, 7] = 0.5, 1.0
    found = retrieval(vectors, sentences)
    assert (found["retrieval/text_r1"], found["retrieval/text_r5"]) == (7 / 8, 7 / 8)
    assert (found["retrieval/image_r1"], found["retrieval/image_r5"]) == (2 / 8, 1.0)
    assert (found["retrieval/r1"], found["retrieval/r5"]) == (9 / 16, 15 / 16)


def test_an_encoder_that_does_not_redescribe_is_measured_by_retrieval_alone() -> None:
    encoder = "{use = 'residual', resolution = 32, width = 8, wide_until = 8}"
    changes = [change for change in MATCH if not change.startswith("image_encoder")]
    task, _ = learner("damsm-aviary", *changes, f"image_encoder={encoder}")
    assert {name.split("/")[0] for name in task.task.validate(Held())} == {"retrieval"}


def test_the_share_of_words_that_are_found_leaves_out_padding() -> None:
    encoder = "{use = 'residual', resolution = 32, width = 8, wide_until = 8, redescribes = true}"
    task, _ = learner(
        "damsm-aviary",
        *(change for change in MATCH if not change.startswith("image_encoder")),
        f"image_encoder={encoder}",
        "losses=[{use = 'damsm'}, {use = 'redescription'}]",
    )
    held, image = Held(), task.parts.image_encoder
    held.captions = ("a red bird with a black beak", "a bird", *("a red bird",) * 4)
    read = task.parts.text_encoder
    seen: list[int] = []

    def all_but_the_first(features: ImageFeatures, text: Text) -> Tensor:
        assert text.ids is not None
        assert text.mask is not None
        seen.append(int(text.mask.sum()))
        answer = torch.where(text.mask, text.ids, -1) % read.spec.entries
        answer[:, 0] = (answer[:, 0] + 1) % read.spec.entries
        return torch.nn.functional.one_hot(answer, read.spec.entries).float()

    image.redescribe = all_but_the_first
    measured = task.task.validate(held)
    assert measured["redescription/words"] == pytest.approx(1 - 6 / sum(seen))
