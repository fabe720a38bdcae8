"""The discriminator in a frozen network's feature space, on timm models of test size."""

import warnings

import huggingface_hub
import pytest
import timm
import torch
from safetensors.torch import save_file

from zoo_plugins.discriminators.projected import Projected
from zoo_plugins.losses.ma_gp import MatchingAwareGradientPenalty
from zoo_registry.contracts import Generated, Growth, Round, Text, TextSpec
from zoo_registry.errors import ZooError

GROWTH = Growth(32)


def projected(text_width=6, **settings):
    torch.manual_seed(0)
    defaults = {"model": "test_resnet", "pretrained": False, "resolution": 64, "width": 8}
    return Projected(TextSpec(text_width), **defaults | settings)


def images(*resolutions, count=3):
    generate = torch.Generator().manual_seed(0)
    return tuple(
        torch.rand(count, 3, resolution, resolution, generator=generate) * 2 - 1 for resolution in resolutions
    )


def sentences(count=3):
    return torch.randn(count, 6, generator=torch.Generator().manual_seed(1))


@torch.no_grad()
@pytest.mark.parametrize(
    ("model", "depths"),
    [
        ("test_resnet", (1, 2, 3, 4)),
        ("test_efficientnet", (0, 4)),
        ("test_vit", (1, 3, 5)),
        ("test_maxvit", (1, 2)),
    ],
)
def test_one_logit_a_depth_of_the_largest_image(model, depths):
    network = projected(model=model, depths=depths, resolution=None).eval()
    features = network.features(images(16, 32), GROWTH)
    assert len(features) == len(depths)
    assert all(feature.shape[:2] == (3, 8) and max(feature.shape[2:]) <= 7 for feature in features)
    logits = network.score(features, sentences())
    assert [tuple(logit.shape) for logit in logits] == [(3,)] * len(depths)
    blank = network.features((torch.zeros(3, 3, 16, 16), images(16, 32)[1]), GROWTH)
    assert all(torch.equal(a, b) for a, b in zip(features, blank, strict=True))


@torch.no_grad()
@pytest.mark.parametrize("resolution", [4, 8, 64, 96])
def test_images_of_a_growing_generator_are_judged_at_any_resolution(resolution):
    network = projected().eval()
    logits = network.score(network.features(images(resolution), Growth(resolution, 0.5)), sentences())
    assert [tuple(logit.shape) for logit in logits] == [(3,)] * 4


@torch.no_grad()
def test_the_sentence_is_projected_onto_the_features():
    network = projected().eval()
    features, sentence = network.features(images(32), GROWTH), sentences()
    told, doubled, nothing = (network.score(features, factor * sentence) for factor in (1, 2, 0))
    for one, two, zero in zip(told, doubled, nothing, strict=True):
        assert (one - zero).abs().max() > 1e-4
        assert torch.allclose(two - zero, 2 * (one - zero), atol=1e-5)  # linear in the sentence
    assert not network.unconditional
    silent = projected(text_width=0)
    assert silent.unconditional
    assert len(silent.score(silent.features(images(32), GROWTH), None)) == 4


@torch.no_grad()
def test_images_are_brought_to_the_models_own_range_and_resolution():
    network, seen = projected(), []
    network.network.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    network.features((torch.ones(1, 3, 32, 32),), GROWTH)  # white
    assert seen[0].shape[2:] == (64, 64)
    mean, std = (torch.tensor(network.network.pretrained_cfg[key]) for key in ("mean", "std"))
    assert torch.allclose(seen[0][0, :, 0, 0], (1 - mean) / std, atol=1e-6)


def test_the_heads_alone_learn_and_the_frozen_network_keeps_its_statistics():
    network = projected().train()
    assert not network.network.training
    before = {name: tensor.clone() for name, tensor in network.network.state_dict().items()}
    image = images(32)[0].requires_grad_()
    sum(logit.sum() for logit in network.score(network.features((image,), GROWTH), sentences())).backward()
    assert image.grad.any()  # the generator learns through it
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.network.state_dict().items())
    assert all(
        (p.grad is not None) == p.requires_grad == name.startswith("heads.")
        for name, p in network.named_parameters()
    )


@torch.no_grad()
def test_deeper_features_reach_the_shallower_heads():
    network = projected().eval()
    depths = network._maps(images(32)[0])
    before = network.mixing(depths)
    after = network.mixing([*depths[:-1], depths[-1] + 1])
    assert all((a - b).abs().max() > 1e-3 for a, b in zip(after, before, strict=True))
    after = network.mixing([depths[0] + 1, *depths[1:]])
    assert [torch.equal(a, b) for a, b in zip(after, before, strict=True)] == [False, True, True, True]


@pytest.mark.parametrize(("model", "depths"), [("test_resnet", (1, 2)), ("test_vit", (1, 3))])
def test_a_gradient_penalty_differentiates_it_twice(model, depths):
    network = projected(model=model, depths=depths, resolution=None)
    round = Round(
        generated=Generated(images(32)),
        text=Text(sentences()),
        real=images(32),
        sentence=sentences(),
        discriminator=network,
    )
    sum(MatchingAwareGradientPenalty().discriminator(round).values()).backward()
    assert all(head.sentence.weight.grad.any() for head in network.heads)
    assert all(head.trunk[0][0].parametrizations.weight.original.grad.any() for head in network.heads)


def test_weights_out_of_reach_are_reported(monkeypatch):
    def unreachable(*args, **kwargs):
        raise ConnectionError("no route to the hub")

    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *args: None)
    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", unreachable)
    with pytest.warns(UserWarning, match="discriminator: the weights of test_resnet .*no route to the hub"):
        projected(pretrained=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        projected(pretrained=False)  # which fetches nothing


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"model": "test_resnett"}, r"discriminator\.model: .*'test_resnett'; did you mean 'test_resnet'"),
        ({"depths": (1, 7)}, r"discriminator\.depths: \[1, 7\], but the stages of test_resnet are 0 to 4"),
        ({"model": "test_vit", "depths": (9,)}, "stages of test_vit are 0 to 5"),
    ],
)
def test_mistakes_are_reported(settings, told):
    with pytest.raises(ZooError, match=told):
        projected(**settings)


def test_the_network_from_a_file(tmp_path):
    published = timm.create_model("test_resnet").state_dict()
    save_file(published, tmp_path / "network.safetensors")
    network = projected(pretrained=str(tmp_path / "network.safetensors")).network.state_dict()
    assert all(torch.equal(tensor, published[name]) for name, tensor in network.items())
