"""Tiny models as transformers saves them: configuration, tokenizer and random weights, without a network.

Each is written once a process.
"""

import atexit
import json
import shutil
import tempfile
from functools import cache
from pathlib import Path

import torch
from safetensors.torch import save_file

WORDS = "a small red bird with yellow beak the is blue this has black wings white belly and very short grey"


def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="tiny_transformer"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _save(model, folder: Path) -> None:
    """What `save_pretrained` writes, without its progress bar."""
    model.config.save_pretrained(folder)
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}  # some share memory
    save_file(state, folder / "model.safetensors", {"format": "pt"})


@cache
def tiny_bert() -> str:
    """A BERT of width 24 with a pooler, whose pieces are whole words, "##s" and single letters."""
    from transformers import BertConfig, BertModel

    folder = _folder()
    letters = "abcdefghijklmnopqrstuvwxyz"
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ",", *letters, *(f"##{c}" for c in letters)]
    pieces += [word for word in WORDS.split() if word not in pieces]
    (folder / "vocab.txt").write_text("\n".join(pieces))
    tokenizer = {"tokenizer_class": "BertTokenizer", "do_lower_case": True}
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer))
    sizes = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        _save(BertModel(BertConfig(vocab_size=len(pieces), max_position_embeddings=64, **sizes)), folder)
    return str(folder)


@cache
def tiny_clip() -> str:
    """The text side of a CLIP of width 24 and space 16, whose pieces are letters and "red"."""
    from transformers import CLIPTextConfig, CLIPTextModelWithProjection

    folder = _folder()
    letters = "abcdefghijklmnopqrstuvwxyz,"
    pieces = [*letters, *(f"{c}</w>" for c in letters), "re", "red</w>", "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({piece: index for index, piece in enumerate(pieces)}))
    (folder / "merges.txt").write_text("#version: 0.2\nr e\nre d</w>\n")
    tokenizer = {"tokenizer_class": "CLIPTokenizer", "model_max_length": 77}
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer))
    end = len(pieces) - 1
    config = CLIPTextConfig(
        vocab_size=len(pieces),
        hidden_size=24,
        intermediate_size=32,
        projection_dim=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        bos_token_id=end - 1,
        eos_token_id=end,
        pad_token_id=end,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        _save(CLIPTextModelWithProjection(config), folder)
    return str(folder)


@cache
def tiny_t5() -> str:
    """A T5 of width 24, encoder and decoder, that reads whole words and puts only an end after them."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast, T5Config, T5Model

    folder = _folder()
    index = {
        word: place for place, word in enumerate(["<pad>", "</s>", "<unk>", *dict.fromkeys(WORDS.split())])
    }
    tokenizer = Tokenizer(models.WordLevel(index, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    special = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
    config = T5Config(vocab_size=len(index), d_model=24, d_kv=8, d_ff=32, num_layers=2, num_heads=2)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        _save(T5Model(config), folder)
    return str(folder)
