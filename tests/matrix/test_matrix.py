"""Every legal combination trains, samples, saves and loads; every illegal one is refused with a way out."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
import torch
from accelerate import PartialState
from matrix import ADVERSARIAL, AXES, Combination, own, split

from zoo.assemble import assemble
from zoo.pipeline import Pipeline
from zoo.training.learner import Learner
from zoo.training.schedule import constant
from zoo_registry.contracts import Batch, TextSource

CAPTIONS = ("a red bird", "a small blue bird with a long beak", "the bird is white", "a bird")
LEGAL, ILLEGAL = split()
GROUPS = sorted({combination[2:] for combination in LEGAL})


def test_what_is_refused_names_a_part_that_would_fit() -> None:
    names = {component.name for kind in AXES for component in own(kind)}
    for combination, told in ILLEGAL.items():
        offers = re.findall(r"that do: ([\w, -]+)", told)
        assert offers, combination
        assert all(name in names for offer in offers for name in offer.split(", ")), told
    refused = {(c.generator, c.discriminator) for c in ILLEGAL}
    assert ("progressive", "pyramid") in refused


@pytest.mark.parametrize("group", GROUPS, ids="-".join)
def test_legal_combinations(group: tuple[str, str, str], tmp_path: Path) -> None:
    """With one generator, discriminator and loss: every text encoder and conditioning."""
    for combination in [c for c in LEGAL if c[2:] == group]:
        try:
            trains_samples_saves_and_loads(combination, tmp_path / "model")
        except Exception as error:
            raise AssertionError(f"{combination}: {type(error).__name__}: {error}") from error


def trains_samples_saves_and_loads(combination: Combination, folder: Path) -> None:
    recipe = combination.read()
    parts = assemble(recipe, TextSource(captions=CAPTIONS))
    resolution = parts.generator.spec.resolutions[-1]
    learner = Learner(recipe, parts, PartialState(cpu=True), constant(resolution, 4, 4))
    source = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (4, 3, resolution, resolution), generator=source, dtype=torch.uint8)
    labels = torch.tensor([0, 0, 1, 2])
    terms = learner.step([Batch(pixels, CAPTIONS, labels, torch.arange(4))], 0)
    assert terms
    assert all(math.isfinite(float(term)) for term in terms.values()), terms
    for kind, module in parts.modules.items():
        gradients = [p.grad for p in module.parameters() if p.requires_grad]
        learns = [g for g in gradients if g is not None and bool(g.any())]
        assert learns or not gradients, f"{kind} learns nothing"
        assert all(g is None or bool(g.isfinite().all()) for g in gradients), kind
    pipe = Pipeline(recipe, learner.model(0))
    first = pipe.generate(CAPTIONS[:2], seed=1).images[-1]
    assert first.isfinite().all()
    again = Pipeline.from_pretrained(pipe.save_pretrained(folder), device="cpu")
    assert torch.equal(first, again.generate(CAPTIONS[:2], seed=1).images[-1])


def test_all_losses_are_there() -> None:
    assert set(ADVERSARIAL) <= {component.name for component in own("loss")}
