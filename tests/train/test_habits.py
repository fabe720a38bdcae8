"""A pipeline for people who come from diffusers, transformers and timm."""

from __future__ import annotations

import re

import pytest
import small_models
import torch

import zoo
from zoo import Pipeline, ZooError


@pytest.fixture(scope="module")
def pipe() -> Pipeline:
    return small_models.attending()


def test_the_list_of_images_has_a_field_of_them(pipe: Pipeline) -> None:
    images = pipe("a red bird", images=2)
    assert images.images == list(images)
    assert len(images.images) == 2


def test_repr_tells_model_resolution_parts_and_device(pipe: Pipeline) -> None:
    shown = repr(pipe)
    assert re.match(rf"Pipeline\({pipe.recipe.name}: {pipe.resolution} px, on cpu in float32\n", shown)
    assert "  generator: attention-stages" in shown
    assert list(pipe.components) == list(pipe.parts.modules)


def test_half_precision_generates_nearly_the_same() -> None:
    pipe = small_models.attending()
    before = pipe.generate("a red bird", images=2).images[-1]
    assert pipe.to("cpu", torch.bfloat16) is pipe
    assert (pipe.dtype, pipe.device) == (torch.bfloat16, torch.device("cpu"))
    assert len(pipe("a red bird", images=2)) == 2
    assert pipe.half().dtype == torch.float16
    assert "in float16" in repr(pipe)
    after = pipe.to(device="cpu", dtype=torch.float32).generate("a red bird", images=2).images[-1]
    assert (before - after).abs().mean() < 0.05


@pytest.mark.parametrize(
    ("keyword", "message"),
    [
        ("num_images_per_prompt", "images= is how many"),
        ("generator", "seed= is an integer"),
        ("output_type", "generate(…).images[-1] is a tensor"),
        ("callback", "in one pass"),
        ("guidance_scale", "no guidance"),
        ("sed", "did you mean 'seed'?"),
    ],
)
def test_keywords_of_other_libraries_are_told_by_what_does_the_same(
    pipe: Pipeline, keyword: str, message: str
) -> None:
    with pytest.raises(TypeError, match=re.escape(message)):
        pipe("a red bird", **{keyword: 3})


@pytest.mark.parametrize("device", ["cuda", "cuda:1", "banana", "mps"])
def test_a_device_that_is_not_here_is_refused(pipe: Pipeline, device: str) -> None:
    for refused in (lambda: zoo.load("aviary", device=device), lambda: pipe.to(device)):
        with pytest.raises(ZooError, match=f"^device '{device}': expected one of .* that is here: cpu$"):
            refused()


def test_models_by_pattern() -> None:
    assert zoo.list_models("attngan-b*") == ["attngan-birds"]
    assert zoo.list_models(pretrained=True) == sorted(zoo.list_models(pretrained=True))
    assert "portraits" in zoo.list_models("port*", pretrained=True)
    assert zoo.from_pretrained("portraits", device="cpu").resolution == 64


@pytest.mark.parametrize("index", [0, 1])
def test_cuda_by_number_is_the_card_of_that_number(index: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from zoo.devices import device_named

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert device_named(f"cuda:{index}") == torch.device("cuda", index)
    assert device_named(None) == torch.device("cuda")
    with pytest.raises(ZooError, match="here: cuda:0, cuda:1, cpu"):
        device_named("cuda:2")
