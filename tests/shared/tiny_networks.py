"""Weights of networks that others publish, random, as files."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from unittest.mock import patch

import timm
import torch
from torch import nn


@cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="tiny_networks"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def inception_weights() -> str:
    """Inception v3 as torch-fidelity has it."""
    from torch_fidelity import feature_extractor_inceptionv3 as published

    def unloaded(module: nn.Module, state: object) -> None:
        for parameter in module.parameters():
            if parameter.ndim > 1:
                nn.init.normal_(parameter, std=(1 / parameter[0].numel()) ** 0.5)

    with (
        patch.object(published, "load_state_dict_from_url"),
        patch.object(published.FeatureExtractorInceptionV3, "load_state_dict", unloaded),
        torch.random.fork_rng(devices=[]),
    ):
        torch.manual_seed(0)
        network = published.FeatureExtractorInceptionV3("inception-v3-compat", ["2048"])
    path = _folder() / "inception.pth"
    torch.save(network.state_dict(), path)
    return str(path)


@cache
def timm_weights() -> str:
    """Timm's `test_resnet`, as its extractor takes it."""
    path = _folder() / "resnet.pth"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        torch.save(timm.create_model("test_resnet").state_dict(), path)
    return f"test_resnet={path}"
