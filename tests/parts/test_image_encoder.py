"""The image encoder on a timm model of test size."""

import pickle
import warnings

import huggingface_hub
import pytest
import timm
import torch
from safetensors.torch import save_file

from zoo_plugins.image_encoders.timm_model import TimmEncoder
from zoo_registry.contracts import TextSpec
from zoo_registry.errors import ZooError

TEXT = TextSpec(width=12, words=True)


@pytest.fixture
def offline(monkeypatch):
    def unreachable(*args, **kwargs):
        raise ConnectionError("no route to the hub")

    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *args: None)
    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", unreachable)


def encoder(**settings):
    return TimmEncoder(TEXT, **{"model": "test_resnet", "pretrained": False, "resolution": 64} | settings)


@torch.no_grad()
@pytest.mark.parametrize(
    ("model", "grid"), [("test_resnet", (4, 4)), ("test_convnext", (4, 4)), ("test_efficientnet", (4, 4))]
)
def test_images_become_a_vector_and_regions(model, grid):
    features = encoder(model=model)(torch.zeros(2, 3, 48, 48))
    assert features.vector.shape == (2, 12)
    assert features.grid == grid
    assert features.regions.shape == (2, grid[0] * grid[1], 12)


@torch.no_grad()
def test_regions_lie_where_the_image_does():
    """Row-major: a change in the upper right corner shows in the first rows' last regions alone."""
    torch.manual_seed(0)
    module = encoder(regions=1).eval()  # an early stage sees little beyond its own place
    image = torch.zeros(1, 3, 64, 64)
    corner = image.clone()
    corner[..., :8, -8:] = 1
    before, after = module(image), module(corner)
    changed = (after.regions - before.regions).norm(dim=2)[0].gt(1e-6).view(before.grid)  # [N] -> [h,w]
    assert changed[0, -1]
    assert not changed[before.grid[0] // 2 :].any()
    assert not changed[:, : before.grid[1] // 2].any()


@torch.no_grad()
def test_images_are_brought_to_the_models_own_range():
    module = encoder().eval()
    seen = []
    module.trunk.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    module(torch.ones(1, 3, 64, 64))  # white
    mean, std = (torch.tensor(module.trunk.pretrained_cfg[key]) for key in ("mean", "std"))
    assert torch.allclose(seen[0][0, :, 0, 0], (1 - mean) / std, atol=1e-6)


def test_a_frozen_trunk_learns_only_its_projections_while_its_statistics_follow():
    module = encoder(trunk="frozen").train()
    images = torch.randn(4, 3, 64, 64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    before = {name: buffer.clone() for name, buffer in module.trunk.named_buffers()}
    vector, regions, _ = module(images)
    (vector.sum() + regions.square().sum()).backward()
    assert {name for name, p in module.named_parameters() if p.grad is not None} == {
        "region_projection.weight",
        "vector_projection.weight",
        "vector_projection.bias",
    }
    assert images.grad.any()  # the generator learns through it
    assert any(not torch.equal(buffer, before[name]) for name, buffer in module.trunk.named_buffers())


def test_a_tuned_trunk_learns():
    module = encoder(trunk="tuned")
    module(torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))).vector.sum().backward()
    assert all(p.grad is not None for p in module.trunk.parameters())


def test_weights_out_of_reach_are_reported_with_what_it_costs(offline):
    with pytest.warns(UserWarning, match="cannot be fetched .no route to the hub.") as record:
        encoder(pretrained=True, trunk="frozen")
    assert 'trunk = "tuned"' in str(record[0].message)
    with pytest.warns(UserWarning, match="learns from nothing"):
        encoder(pretrained=True, trunk="tuned")


def test_without_pretrained_nothing_is_fetched(offline):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encoder(pretrained=False)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"model": "test_resnett"}, "no model 'test_resnett'; did you mean 'test_resnet'"),
        ({"model": "xyz"}, r"no model 'xyz'; timm\.list_models\(\) names them$"),
        ({"model": "test_resnet.mine"}, "tag"),
        ({"pretrained": "~nobody-here/x.pth"}, "~nobody-here/x.pth: there is no home of that user"),
        ({"regions": 7}, "stages of test_resnet are 0 to 4"),
        ({"width": 8}, "8, but the text's width is 12"),
    ],
)
def test_mistakes_are_reported(settings, told):
    with pytest.raises(ZooError, match=told):
        encoder(**settings)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_a_trunk_from_a_file_of_timms_names(suffix, tmp_path):
    torch.manual_seed(3)
    published = timm.create_model("test_resnet")  # with its classifier, as files have it
    file = tmp_path / f"trunk{suffix}"
    if suffix == ".pth":
        torch.save({"state_dict": published.state_dict()}, file)
    else:
        save_file(published.state_dict(), file)
    trunk = encoder(pretrained=str(file)).trunk.state_dict()
    assert trunk
    assert all(torch.equal(tensor, published.state_dict()[name]) for name, tensor in trunk.items())


def test_a_file_without_the_trunk_is_told_in_a_line(tmp_path):
    with pytest.raises(ZooError, match=r"image_encoder\.pretrained: no such file: nowhere\.pth"):
        encoder(pretrained="nowhere.pth")
    other = tmp_path / "other.safetensors"
    save_file(timm.create_model("test_efficientnet").state_dict(), other)
    with pytest.raises(ZooError, match=r"other\.safetensors does not hold the weights of test_res") as told:
        encoder(pretrained=str(other))
    assert "\n" not in str(told.value)
    pickled = tmp_path / "code.pth"
    pickled.write_bytes(pickle.dumps({"state_dict": print}))
    with pytest.raises(ZooError, match=r"code\.pth does not hold"):
        encoder(pretrained=str(pickled))
