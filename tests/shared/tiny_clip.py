"""A whole CLIP as transformers saves it, text and image encoder, random weights, without a network."""

import atexit
import json
import shutil
import tempfile
from functools import cache
from pathlib import Path

import torch
from safetensors.torch import save_file


@cache
def whole_clip() -> str:
    """A CLIP of width 16 and space 8 for images of 32 px that reads 12 pieces: letters and "the"."""
    from transformers import CLIPConfig, CLIPModel

    folder = Path(tempfile.mkdtemp(prefix="tiny_clip"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    letters = "abcdefghijklmnopqrstuvwxyz,"
    pieces = [*letters, *(f"{c}</w>" for c in letters), "th", "the</w>", "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({piece: index for index, piece in enumerate(pieces)}))
    (folder / "merges.txt").write_text("#version: 0.2\nt h\nth e</w>\n")
    tokenizer = {"tokenizer_class": "CLIPTokenizer", "model_max_length": 77}
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer))
    end = len(pieces) - 1
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    marks = {"bos_token_id": end - 1, "eos_token_id": end, "pad_token_id": end}
    text = {**sizes, **marks, "vocab_size": len(pieces), "max_position_embeddings": 12}
    vision = {**sizes, "image_size": 32, "patch_size": 8}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=8))
        for name, values in model.named_parameters():  # at CLIP's own start all images look alike
            if values.dim() > 1:
                torch.nn.init.normal_(values, std=0.3 if "embed" in name else values.shape[-1] ** -0.5)
    model.config.save_pretrained(folder)
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    save_file(state, folder / "model.safetensors", {"format": "pt"})
    return str(folder)
