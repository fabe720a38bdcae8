"""Augmentations that gradients pass: what they do to an image, and when."""

from itertools import pairwise

import pytest
import torch
from judging import Linear, round_for

from zoo_plugins.augmentations.ada import AdaptiveAugmentation
from zoo_plugins.augmentations.diffaugment import DiffAugment
from zoo_plugins.losses.r1 import R1

BOTH = pytest.mark.parametrize("name", ["diffaugment", "ada"])


def build(name, **settings):
    if name == "diffaugment":
        return DiffAugment(**settings)
    augmentation = AdaptiveAugmentation(**settings)
    augmentation.p.fill_(1)
    return augmentation


def source(seed=0):
    return torch.Generator().manual_seed(seed)


def images(count=8, resolution=16, seed=1):
    return torch.rand(count, 3, resolution, resolution, generator=source(seed)) * 2 - 1


@BOTH
def test_each_image_has_generates_of_its_own_from_the_source(name):
    same = images(1).expand(6, -1, -1, -1)
    augmentation = build(name)
    first, again, other = (augmentation(same, source(seed)) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.allclose(first, other, atol=0.1)
    assert all(not torch.allclose(a, b, atol=0.1) for a, b in pairwise(first))


@BOTH
@pytest.mark.parametrize("resolution", [4, 15, 16, 64])
def test_images_stay_images(name, resolution):
    changed = build(name)(images(64, resolution), source())
    assert changed.shape == (64, 3, resolution, resolution)
    assert changed.isfinite().all()
    assert changed.abs().mean() < 1.5  # nothing is clipped, but most stays near [-1, 1]


@BOTH
def test_the_layout_in_memory_does_not_matter_and_is_kept(name):
    last = images().contiguous(memory_format=torch.channels_last)
    augmentation = build(name)
    changed = augmentation(last, source())
    assert changed.is_contiguous(memory_format=torch.channels_last)
    assert torch.allclose(changed, augmentation(images(), source()), atol=1e-5)


@BOTH
def test_gradients_pass_twice(name):
    judge = Linear(16)
    augmentation = build(name)
    round = round_for(judge, 16, augment=lambda seen: tuple(augmentation(i, source()) for i in seen))
    R1(gamma=2.0).discriminator(round)["r1/16"].backward()
    # by hand: the augmentation is linear in the image, so that the gradient is its own transpose of w
    step = 1e-2 * torch.nn.functional.normalize(judge.w[0].grad, dim=0)
    before = R1(gamma=2.0).discriminator(round)["r1/16"].item()
    with torch.no_grad():
        judge.w[0] += step
    after = R1(gamma=2.0).discriminator(round)["r1/16"].item()
    assert after - before == pytest.approx(1e-2 * judge.w[0].grad.norm().item(), rel=0.02)


@BOTH
def test_generated_images_under_autocast(name):
    with torch.autocast("cpu", torch.bfloat16):
        changed = build(name)(images().bfloat16(), source())
    assert torch.allclose(changed, build(name)(images().bfloat16().float(), source()), atol=1e-5)


# ---------------------------------------------------------------------------------------------- DiffAugment


def test_colour_moves_brightness_saturation_and_contrast_only():
    grey = torch.full((64, 3, 8, 8), 0.2)
    moved = DiffAugment(policy=("colour",))(grey, source())
    assert (moved - moved[:, :1, :1, :1]).abs().max() < 1e-5  # one grey stays one grey
    shift = moved[:, 0, 0, 0] - 0.2
    assert -0.5 <= shift.min() < -0.4 < 0.4 < shift.max() <= 0.5
    image = images(64)
    moved = DiffAugment(policy=("colour",))(image, source())
    chroma, before = (p - p.mean(1, keepdim=True) for p in (moved, image))
    ratio = (chroma * before).sum((1, 2, 3)) / before.square().sum((1, 2, 3))
    assert torch.allclose(chroma, ratio[:, None, None, None] * before, atol=1e-5)  # the hue stays
    assert ratio.min() >= 0
    assert ratio.max() <= 3  # twice the saturation, one and a half times the contrast


def test_translation_moves_whole_pixels_and_0_comes_in():
    image = images(256, 16)
    moved = DiffAugment(policy=("translation",))(image, source())
    seen = set()
    for before, after in zip(image, moved, strict=True):
        padded = torch.nn.functional.pad(before, (2, 2, 2, 2))
        places = [
            (down, right)
            for down in range(5)
            for right in range(5)
            if torch.equal(padded[:, down : down + 16, right : right + 16], after)
        ]
        assert len(places) == 1
        seen.update(places)
    assert len(seen) == 25  # up to an eighth of the resolution, both ways


def test_cutout_leaves_a_hole_of_half_the_resolution():
    cut = DiffAugment(policy=("cutout",))(torch.ones(256, 3, 16, 16), source())
    assert set(cut.flatten().tolist()) == {0.0, 1.0}
    hole = (cut == 0).all(1)  # [B,R,R]
    height, width = hole.any(2).sum(1), hole.any(1).sum(1)
    assert torch.equal(hole.sum((1, 2)), height * width)
    assert height.max() == width.max() == 8
    assert height.min() == 4  # its centre may lie at the border
    assert not (hole[0] == hole).all()


def test_a_policy_that_leaves_something_out():
    assert torch.equal(DiffAugment(policy=())(images(), source()), images())
    shifted, both = (
        DiffAugment(policy=p)(images(), source()) for p in (["translation"], ["translation", "cutout"])
    )
    assert torch.equal(both[both != 0], shifted[both != 0])  # the samples are the same ones


# ------------------------------------------------------------------------------------------------------ ADA


@pytest.mark.parametrize("pipeline", ["b", "bg", "bgc"])
def test_ada_starts_by_changing_nothing(pipeline):
    assert torch.equal(AdaptiveAugmentation(pipeline=pipeline)(images(), source()), images())


def test_as_many_images_are_changed_as_p_says():
    augmentation = AdaptiveAugmentation(pipeline="b")
    augmentation.p.fill_(0.2)
    image = images(2000, 8)
    changed = (augmentation(image, source()) != image).flatten(1).any(1).float().mean().item()
    # a mirroring by one in two, a quarter turn by three in four, a translation by eight in nine
    assert changed == pytest.approx(1 - 0.9 * 0.85 * (1 - 0.2 * 8 / 9), abs=0.03)


def test_blits_only_move_pixels():
    image = images(64)
    moved = build("ada", pipeline="b")(image, source())
    for before, after in zip(image, moved, strict=True):
        known = {tuple(pixel) for pixel in before.flatten(1).T.tolist()}
        assert {tuple(pixel) for pixel in after.flatten(1).T.tolist()} <= known  # colours stay together
    turned = [torch.rot90(view, k, (1, 2)) for view in (image[0], image[0].flip(2)) for k in range(4)]
    inner = slice(4, 12)
    many = build("ada", pipeline="b")(image[:1].expand(1500, -1, -1, -1), source())
    unmoved = [sum(torch.equal(one, turn) for one in many) for turn in turned]
    assert min(unmoved) >= 1  # all eight of them
    assert many[:, :, inner, inner].unique(dim=0).shape[0] > 8  # and translations


def test_beyond_the_border_the_image_is_mirrored():
    flat = torch.full((200, 3, 16, 16), 0.3)
    assert torch.allclose(build("ada", pipeline="bg")(flat, source()), flat, atol=1e-5)


def test_geometry_keeps_colours_and_colour_keeps_places():
    grey = images(64).mean(1, keepdim=True).expand(-1, 3, -1, -1)
    turned = build("ada", pipeline="bg")(grey, source())
    assert torch.allclose(turned, turned[:, :1].expand_as(turned), atol=1e-5)
    assert turned.abs().max() <= 1  # between neighbours

    split = torch.ones(300, 3, 16, 16) * torch.tensor([0.6, -0.2, 0.1]).view(3, 1, 1)
    coloured = build("ada")(split, source())
    assert (coloured - coloured[:, :, :1, :1]).abs().max() < 1e-4
    assert coloured[:, :, 0, 0].std(0).min() > 0.2


def test_colour_turns_hue_around_grey():
    plain = torch.ones(500, 3, 4, 4) * torch.tensor([0.5, -0.4, -0.1]).view(3, 1, 1)  # luma 0
    axis = torch.ones(3) / 3**0.5
    pixel = build("ada")(plain, source())[:, :, 0, 0]
    chroma = pixel - (pixel @ axis)[:, None] * axis
    first = torch.tensor([0.5, -0.4, -0.1])
    second = torch.linalg.cross(axis, first)
    angle = torch.atan2(chroma @ second, chroma @ first)
    for low in range(-3, 3):  # every direction
        assert ((angle > low) & (angle < low + 1)).sum() > 40
    # contrast and saturation multiply its length: deviations of 1/2 and 1 in the power of 2
    stretched = (chroma.norm(dim=1) / first.norm()).log2()
    assert stretched.std().item() == pytest.approx(1.25**0.5, rel=0.15)


def test_brightness_contrast_and_luma_flip_move_grey():
    black, grey = (build("ada")(torch.full((2000, 3, 4, 4), v), source())[:, :, 0, 0] for v in (0.0, 1.0))
    assert torch.allclose(grey, grey[:, :1].expand(-1, 3), atol=1e-4)
    contrast = grey[:, 0] - black[:, 0]  # negative where the luma was flipped
    assert (contrast < 0).float().mean().item() == pytest.approx(0.5, abs=0.05)
    assert contrast.abs().log2().std().item() == pytest.approx(0.5, rel=0.1)
    assert (black[:, 0] / contrast).std().item() == pytest.approx(0.2, rel=0.1)


def test_geometry_scales_turns_and_stretches():
    place = torch.arange(65.0) - 32
    ramps = torch.stack([place.expand(65, 65), place[:, None].expand(65, 65), torch.zeros(65, 65)])  # x, y
    moved = build("ada", pipeline="bg")(ramps.expand(1000, -1, -1, -1), source())[:, :2]
    across, along = moved[:, :, 32, 33] - moved[:, :, 32, 32], moved[:, :, 33, 32] - moved[:, :, 32, 32]
    slope = torch.stack([across, along], dim=2)  # [B,2,2]: of the place in the image by that in the answer
    left, lengths, right = torch.linalg.svd(slope)
    power = lengths.log2()
    # the median size of a normal number is 0.674 of its deviation, 0.2 for both
    assert power.mean(1).abs().median().item() == pytest.approx(0.135, rel=0.2)
    assert (power.diff(dim=1).abs() / 2).median().item() == pytest.approx(0.135, rel=0.2)
    turn = left @ right
    angle = torch.atan2(turn[:, 1, 0], turn[:, 0, 0])
    for low in range(-3, 3):
        assert ((angle > low) & (angle < low + 1)).sum() > 80
    centre = moved[:, :, 32, 32]
    assert ((centre - centre.round()).abs() > 0.1).float().mean() > 0.5  # fractions of a pixel


def test_p_follows_the_signs_of_real_logits():
    augmentation = AdaptiveAugmentation(kimg=1)
    sure, unsure = torch.ones(10), torch.tensor([1.0, -1.0] * 5)
    augmentation.adapt((sure,))
    assert augmentation.p.item() == pytest.approx(0.01)
    augmentation.adapt((sure, 5 * sure))  # of two resolutions: still ten images
    assert augmentation.p.item() == pytest.approx(0.02)
    augmentation.adapt((unsure,))
    assert augmentation.p.item() == pytest.approx(0.01)
    for _ in range(3):
        augmentation.adapt((unsure,))
    assert augmentation.p.item() == 0
    for _ in range(200):
        augmentation.adapt((sure,))
    assert augmentation.p.item() == 1


def test_the_target_decides():
    mostly = torch.tensor([1.0] * 9 + [-1.0])  # mean sign 0.8
    risen, fallen = (AdaptiveAugmentation(target=target, kimg=1) for target in (0.7, 0.9))
    for augmentation in (risen, fallen):
        augmentation.p.fill_(0.5)
        augmentation.adapt((mostly,))
    assert risen.p > 0.5 > fallen.p


def test_p_is_saved():
    augmentation = build("ada")
    twin = AdaptiveAugmentation()
    twin.load_state_dict(augmentation.state_dict())
    assert twin.p == 1
    assert not list(augmentation.parameters())


@pytest.mark.parametrize("p", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("pipeline", ["b", "bgc"])
def test_p_and_the_pipeline_do_not_change_how_much_is_generated(p, pipeline):
    augmentation = AdaptiveAugmentation(pipeline=pipeline)
    augmentation.p.fill_(p)
    generated, expected = source(), source()
    augmentation(images(), generated)
    build("ada")(images(), expected)
    assert torch.equal(torch.rand(3, generator=generated), torch.rand(3, generator=expected))
