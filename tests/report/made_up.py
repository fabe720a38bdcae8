"""What made-up runs are made of: recipes, logs, and grids generated with numpy."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from zoo.imaging.grids import image_grid

CAPTIONS = [
    "a small red bird with a long yellow beak and a white belly, perched on a thin branch",
    "this bird is mostly blue with black wings",
    "the bird has a bright orange crown, grey cheeks and a short pointed bill",
    "a green bird & its <b>shadow</b></script><script>window.pwned = 1</script>",
    "brown speckled breast",
    "a black bird with a red eye ring sitting in snow",
    "a tiny purple bird hovering",
    "white bird with grey wingbars, long legs and a curved beak standing in shallow water at dusk",
]
RECIPE = {
    "zoo": 1,
    "name": "attngan-made-up",
    "task": "gan",
    "paper": "arXiv:1711.10485",
    "pretrain": "damsm-made-up",
    "text_encoder": {"use": "bilstm", "weights": "pretrain#text_encoder", "frozen": True, "width": 256},
    "generator": {
        "use": "attention-stages",
        "resolutions": [64, 128, 256],
        "base_channels": 32,
        "residual": None,
    },
    "losses": [{"use": "bce", "weight": 1.0}, {"use": "damsm", "weight": 5.0, "gammas": [4.0, 5.0, 10.0]}],
    "train": {
        "epochs": 600,
        "steps": 2000,
        "batch_size": 20,
        "generator_lr": 0.0002,
        "betas": [0.5, 0.999],
        "ema": 0.999,
    },
}
PRETRAIN = {
    "zoo": 1,
    "name": "damsm-made-up",
    "task": "match",
    "paper": "arXiv:1711.10485",
    "text_encoder": {"use": "bilstm", "width": 256},
    "image_encoder": {"use": "timm", "model": "inception_v3"},
    "losses": [{"use": "damsm", "weight": 1.0}],
    "train": {"epochs": 3, "steps": None, "batch_size": 10},
}
ENVIRONMENT = {
    "python": "3.11.9",
    "platform": "Linux-6.1-x86_64",
    "zoo": "0.1.0",
    "libraries": {"torch": "2.15.0", "pillow": "13.0.0"},
    "plugins": {"t2i-zoo": "0.1.0"},
    "cpu_threads": 2,
    "cuda": [],
    "data": {"source": "aviary:1000", "images": 1000, "steps": 2000, "fingerprint": "0123abcd"},
}


def score(value: float, count: int = 1800, **more: Any) -> dict[str, Any]:
    return {"value": value, "count": count, "interval": None, "chance": None, "real": None} | more


def result(identity: str, scores: dict[str, Any], better: str = "higher", **more: Any) -> dict[str, Any]:
    """A result as `zoo eval` writes it."""
    protocol = identity.partition("@")[0]
    return {
        "protocol": protocol,
        "version": 1,
        "identity": identity,
        "metric": protocol.partition("-")[0],
        "definition": {"images": 2000, "split": "test", "resize": None, "settings": {"features": "judge"}},
        "better": better,
        "scores": scores,
        "images": {},
        "seconds": 31.25,
        "made_with": {"zoo": "0.1.0"},
        "data": {"source": "aviary:6000", "fingerprint": "0123abcd"},
    } | more


def results(*given: dict[str, Any]) -> dict[str, Any]:
    return {"zoo": 1, "model": "runs/made-up", "weights": "ab12cd34", "results": list(given)}


ATTRIBUTES = result(
    "attributes-2k@1[resolution=64]",
    {
        "body": score(0.914, interval=[0.9, 0.925], chance=0.125, real=0.99),
        "beak": score(0.4, interval=[0.38, 0.42], chance=0.25, real=1.0),
        "mean": score(0.657, 2000, interval=[0.65, 0.664], chance=0.1875, real=0.995),
    },
)
FID = result("fid-test-5k@1[images=500, resolution=64]", {"fid": score(52.25, 500)}, "lower")


def image(resolution: int, hue: float, clean: float, seed: int) -> Image.Image:
    """A disc of a hue on noise that gives way to a plain ground as `clean` goes from 0 to 1."""
    source = np.random.default_rng(seed)
    y, x = np.mgrid[:resolution, :resolution] / resolution
    ground = np.stack([0.55 + 0 * x, 0.7 + 0.2 * y, 0.9 - 0.3 * y], axis=-1)
    cx, cy = source.uniform(0.35, 0.65, 2)
    colour = [0.5 + 0.45 * math.cos(2 * math.pi * (hue + third)) for third in (0, 1 / 3, 2 / 3)]
    ground[((x - cx) / 0.3) ** 2 + ((y - cy) / 0.2) ** 2 < 1] = colour
    ground[((x - cx - 0.25) / 0.12) ** 2 + ((y - cy + 0.15) / 0.12) ** 2 < 1] = colour
    noise = source.uniform(0, 1, ground.shape)
    return Image.fromarray(((clean * ground + (1 - clean) * noise) * 255).astype(np.uint8))


def write_json(path: Path, data: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data), encoding="utf-8")


def write_log(path: Path, entries: list[dict[str, Any]], ending: str = "") -> None:
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries) + ending, encoding="utf-8")


def write_samples(
    run: Path, steps: list[int], captions: list[str], images: int = 4, resolution: int = 64
) -> None:
    """One grid per step, clearer from step to step."""
    grid = {"captions": captions, "images": images, "seed": 0, "resolution": resolution}
    write_json(run / "samples" / "grid.json", grid)
    for order, step in enumerate(steps):
        clean = (order + 1) / len(steps)
        cells = [
            image(resolution, row / len(captions), clean, 100 * row + column)
            for row in range(len(captions))
            for column in range(images)
        ]
        image_grid(cells, images).save(run / "samples" / f"step_{step:08d}.png")


def gan_lines(count: int) -> list[dict[str, Any]]:
    """`count` lines of a made-up adversarial training, every tenth step."""
    source = np.random.default_rng(0)
    lines = []
    for index in range(1, count + 1):
        decay = math.exp(-index / count * 4)
        terms = {}
        for shift, resolution in enumerate((64, 128, 256)):
            terms[f"discriminator/bce/{resolution}"] = (
                0.4 + 0.3 * decay + 0.08 * shift + source.normal(0, 0.04)
            )
            terms[f"generator/bce/{resolution}"] = 2.2 - decay + 0.3 * shift + source.normal(0, 0.25)
        terms["generator/damsm/words"] = 1.1 + 3 * decay + source.normal(0, 0.15)
        terms["generator/kl"] = 0.3 + 0.4 * decay + source.normal(0, 0.01)
        lines.append(
            {"step": 10 * index, "seconds": 24.5 * index, "images_per_second": 42.125, "terms": terms}
        )
    return lines


def match_lines(count: int) -> list[dict[str, Any]]:
    """`count` lines of a made-up matching stage, with a validation every tenth of it."""
    source = np.random.default_rng(1)
    lines: list[dict[str, Any]] = []
    for index in range(1, count + 1):
        decay = math.exp(-index / count * 3)
        terms = {
            name: 1 + 2 * decay + source.normal(0, 0.1)
            for name in ("encoder/damsm/words", "encoder/damsm/sentence")
        }
        lines.append({"step": index, "seconds": 0.5 * index, "images_per_second": 88.0, "terms": terms})
        if index % (count // 10) == 0:
            metrics = {"retrieval/r1": 0.5 - 0.45 * decay, "retrieval/r5": 0.8 - 0.6 * decay}
            lines.append({"step": index, "seconds": 0.5 * index, "metrics": metrics})
    return lines
