"""How near generated images and captions are to a CLIP; with a small one on disk."""

import json
import shutil
import socket
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from tiny_clip import whole_clip

from zoo_plugins.losses.clip_similarity import CLIPSimilarity
from zoo_registry.contracts import Generated, Round, Text
from zoo_registry.errors import ZooError

CAPTIONS = ("the red bird", "a bee")


def images(count=2, resolution=48):
    return torch.rand(count, 3, resolution, resolution, generator=torch.Generator().manual_seed(0)) * 2 - 1


def round_of(generated, captions=CAPTIONS):
    return Round(
        Generated((generated[:, :, ::2, ::2], generated)),
        Text(torch.zeros(len(captions), 1)),
        captions=captions,
    )


@torch.no_grad()
def test_what_transformers_itself_computes():
    from transformers import CLIPImageProcessor, CLIPModel, CLIPTokenizer

    image = (images(resolution=32) + 1) / 2  # of CLIP's resolution: resizing has a test of its own
    clip, tokenizer = CLIPModel.from_pretrained(whole_clip()), CLIPTokenizer.from_pretrained(whole_clip())
    processor = CLIPImageProcessor(do_resize=False, do_center_crop=False, do_rescale=False)
    pixels = processor(list(image), return_tensors="pt")["pixel_values"]
    tokens = tokenizer(list(CAPTIONS), padding=True, return_tensors="pt")
    cosine = clip(**tokens, pixel_values=pixels).logits_per_image.diagonal() / clip.logit_scale.exp()
    loss = CLIPSimilarity(model=whole_clip())
    assert torch.allclose(loss.generator(round_of(image * 2 - 1))["clip"], -cosine.mean(), atol=1e-5)
    spherical = CLIPSimilarity(model=whole_clip(), distance="spherical").generator(round_of(image * 2 - 1))
    assert torch.allclose(spherical["clip"], (cosine.arccos() ** 2 / 2).mean(), atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("resolution", [16, 80])
def test_images_are_resized_as_clips_own_preparation_does(resolution):
    loss, image = CLIPSimilarity(model=whole_clip()), images(resolution=resolution)
    resized = [
        [Image.fromarray(channel.numpy()).resize((32, 32), Image.Resampling.BICUBIC) for channel in one]
        for one in image
    ]
    by_pillow = torch.from_numpy(np.array([[np.asarray(channel) for channel in one] for one in resized]))
    assert torch.allclose(loss.see(image), loss.see(by_pillow), atol=1e-4)


def test_the_drawing_learns_and_clip_does_not():
    loss = CLIPSimilarity(model=whole_clip())
    generated = images().requires_grad_()
    before = loss.generator(round_of(generated))["clip"]
    before.backward()
    assert not [p for p in loss.parameters() if p.requires_grad]
    with torch.no_grad():
        after = loss.generator(round_of(generated - 2 * generated.grad))["clip"]
    assert after < before - 1e-4
    assert -1 <= after <= 1
    assert loss.discriminator(round_of(images())) == {}


@pytest.mark.parametrize("sign", [1, -1])
def test_the_spherical_distance_has_a_slope_everywhere(sign):
    loss = CLIPSimilarity(model=whole_clip(), distance="spherical")
    one = F.normalize(torch.ones(1, 8), dim=1)
    other = (sign * one).clone().requires_grad_()
    distance = loss.distance(other, one)
    distance.sum().backward()
    assert distance.item() == pytest.approx(0 if sign == 1 else torch.pi**2 / 2, abs=1e-5)
    assert other.grad.isfinite().all()


@torch.no_grad()
def test_captions():
    loss = CLIPSimilarity(model=whole_clip())
    alone, together = loss.read(CAPTIONS[:1]), loss.read((CAPTIONS[0], "a much longer one, of many letters"))
    assert torch.allclose(alone[0], together[0], atol=1e-5)
    assert not torch.allclose(together[0], together[1], atol=0.1)


@torch.no_grad()
def test_generated_images_of_sentences_between_captions_are_left_out():
    loss = CLIPSimilarity(model=whole_clip())
    own, more = images(), images(3)
    assert torch.equal(more[:2], own)
    assert torch.equal(loss.generator(round_of(more))["clip"], loss.generator(round_of(own))["clip"])


def test_a_folder_without_a_clip_is_reported(tmp_path):
    with pytest.raises(ZooError, match="holds no transformers model"):
        CLIPSimilarity(model=str(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(ZooError, match=r"is of type 'bert'"):
        CLIPSimilarity(model=str(tmp_path))


def test_a_clip_without_some_of_its_weights_is_reported(tmp_path):
    from safetensors.torch import load_file, save_file

    folder = Path(shutil.copytree(whole_clip(), tmp_path / "clip"))
    state = load_file(folder / "model.safetensors")
    del state["visual_projection.weight"]
    save_file(state, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ZooError, match=r"other weights than .* asks for: visual_projection\.weight"):
        CLIPSimilarity(model=str(folder))


def test_without_a_network_a_folder_is_advised(monkeypatch, tmp_path):
    def unreachable(*_, **__):
        raise socket.gaierror("no network in a test")

    monkeypatch.setattr(socket, "getaddrinfo", unreachable)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(
        ZooError,
        match=r"'someone/clip' is no folder here.*the folder of a model saved with transformers serves",
    ):
        CLIPSimilarity(model="someone/clip")
