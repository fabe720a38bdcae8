"""Code from elsewhere: configurations of downloaded models and tokenizers neither fetch nor run anything."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from tiny_transformer import tiny_bert, tiny_clip
from transformers import AutoModel, dynamic_module_utils
from transformers.integrations import hub_kernels

from zoo_plugins.text_encoders.clip_text import CLIPText
from zoo_plugins.text_encoders.transformer import TransformerEncoder
from zoo_registry import ZooError
from zoo_registry.contracts import TextSource

SOURCE = TextSource(captions=["a small red bird"])
HOSTILE = {
    "attn_implementation": "somebody/kernel",
    "_attn_implementation": "somebody/kernel",
    "_attn_implementation_internal": "somebody/kernel",
    "experts_implementation": "somebody/kernel",
    "auto_map": {
        "AutoConfig": "code.Config",
        "AutoModel": "code.Model",
        "AutoTokenizer": ["code.T", "code.T"],
    },
    "trust_remote_code": True,
    "quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True},
    "use_kernels": True,
    "dtype": "hub",
    "name_or_path": "somebody/else",
    "tokenizer_file": "/etc/passwd",
    "vocab_file": "/etc/passwd",
}


@pytest.fixture
def fetched(monkeypatch):
    """What transformers fetches: kernels, as if their package were installed, and modules of code."""
    names = []

    def fetch(name, *_, **__):
        names.append(name)
        raise ValueError("fetched")

    monkeypatch.setattr(hub_kernels, "is_kernels_available", lambda: True)
    monkeypatch.setattr(hub_kernels, "get_kernel", fetch)
    monkeypatch.setattr(dynamic_module_utils, "get_class_from_dynamic_module", fetch)
    return names


def hostile(folder, tmp_path):
    """A copy of a model whose files name code."""
    copy = Path(shutil.copytree(folder, tmp_path / "hostile"))
    for name in ("config.json", "tokenizer_config.json"):
        found = json.loads((copy / name).read_text())
        (copy / name).write_text(json.dumps(found | HOSTILE))
    (copy / "code.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    (copy / "adapter_config.json").write_text('{"base_model_name_or_path": "somebody/else"}')
    return copy


def test_transformers_itself_would_fetch_this_kernel(fetched, tmp_path):
    folder = Path(shutil.copytree(tiny_bert(), tmp_path / "bert"))
    found = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(found | {"attn_implementation": "somebody/kernel"}))
    with pytest.raises(ValueError, match="fetched"):
        AutoModel.from_pretrained(folder)
    assert fetched == ["somebody/kernel"]


@torch.no_grad()
@pytest.mark.parametrize(("encoder", "model"), [(TransformerEncoder, tiny_bert), (CLIPText, tiny_clip)])
def test_models_with_hostile_configurations_are_the_same_models(fetched, tmp_path, encoder, model):
    own = encoder(SOURCE, model=model()).eval()
    tokens = own.tokenize(SOURCE.captions)
    folder = hostile(model(), tmp_path)
    named = encoder(SOURCE, model=str(folder)).eval()
    folder.rename(tmp_path / "text_encoder")
    saved = encoder(TextSource(folder=tmp_path)).eval()
    saved.load_state_dict(own.state_dict())
    for found in (named, saved):
        assert torch.equal(found.tokenize(SOURCE.captions).ids, tokens.ids)
        assert torch.equal(found(tokens).words, own(tokens).words)
        assert found.network.config._attn_implementation == "sdpa"
        assert not hasattr(found.config, "auto_map")
    assert fetched == []
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"model_type": "timm_backbone"},
        {"model_type": ["bert"]},
        {"hidden_size": "many"},
        {"num_hidden_layers": {"a": 1}, "hidden_size": -5},
        {"hidden_act": "somebody/kernel"},
    ],
)
def test_configurations_of_wrong_types_are_told(fetched, tmp_path, changes):
    folder = Path(shutil.copytree(tiny_bert(), tmp_path / "text_encoder"))
    found = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(found | changes))
    with pytest.raises(ZooError, match="text_encoder"):
        TransformerEncoder(TextSource(folder=tmp_path))
    assert fetched == []
