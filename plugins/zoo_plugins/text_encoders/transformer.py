"""Text encoder on any transformer of Hugging Face: BERT (arXiv:1810.04805), section 3.

Its sentence is pooled as in Sentence-BERT (arXiv:1908.10084), section 3.

Letters as in zoo_registry.contracts, but L counts pieces of words; also K width of the hidden states.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import PositiveInt
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from torch import nn
from transformers import BertConfig, PreTrainedTokenizerFast

from zoo_registry.contracts import Text, TextEncoder, TextSource, TextSpec, Tokens
from zoo_registry.errors import ZooError

from .hub import Origin, build, fetch, load, read_folder
from .pieces import PieceEncoder, saved
from .words import vocabulary_of

_START = "<start>"
_FRESH_WIDTH, _FRESH_LAYERS, _FRESH_HEADS = 256, 2, 4


class TransformerEncoder(PieceEncoder, TextEncoder):
    """Pieces of words to vectors [B,L,D], the last hidden states, 0 where padded, and a sentence [B,D].

    model: a name on the Hugging Face Hub ("google-bert/bert-base-uncased", "google-t5/t5-small", of which the
        encoder is taken, …) or the folder of a model saved with transformers. None: a small BERT that starts
        from nothing, reads whole words, those of the training captions, and needs no network.
    width: D, of words and sentence: where given, one linear layer leads there from K; None: D is K. Of a
        fresh model it is K, 256 if None.
    layers: of a fresh model; not set: 2. A named model has its own.
    heads: of attention in each layer of a fresh model; not set: 4. A named model has its own.
    max_words: of a longer caption, the first `max_words` pieces of words are read.
    pooling: the sentence. "mean": of all that the model has read, special pieces too. "first": the first
        piece, "[CLS]" in models that have one.
    pretrained: start from the model's published weights; False: from its configuration alone.

    A saved model holds the tokenizer and the configuration, so `model` is needed once only.
    """

    def __init__(
        self,
        source: TextSource,
        /,
        *,
        model: str | None = None,
        width: PositiveInt | None = None,
        layers: PositiveInt | None = None,
        heads: PositiveInt | None = None,
        max_words: PositiveInt = 32,
        pooling: Literal["mean", "first"] = "mean",
        pretrained: bool = True,
    ) -> None:
        if model is not None and (layers, heads) != (None, None):
            raise ZooError(
                f"text_encoder: 'layers' and 'heads' are a fresh model's, {model} has its own; leave them out"
            )
        fetched = None
        origin = saved(source)
        if origin is None and model is not None:
            fetched = fetch(model, "text_encoder.model", weights=pretrained)
            origin = read_folder(fetched, model)
        elif origin is None:
            origin = _fresh(
                source, width or _FRESH_WIDTH, layers or _FRESH_LAYERS, heads or _FRESH_HEADS, max_words
            )
        hidden = getattr(origin.config, "hidden_size", None)
        if hidden is None:
            raise ZooError(
                f"text_encoder.model: {model} is of type {origin.config.model_type!r}, which is no text "
                "encoder alone; that of a CLIP model is read by 'clip-text'"
            )
        if fetched is not None and pretrained and model is not None:
            network = load(origin.config, fetched, model, "text_encoder.model")
        else:
            network = build(origin.config)
        super().__init__(_encoder(network), origin, max_words)
        self.spec = TextSpec(width or hidden, words=True)
        self.projection = nn.Identity() if width in (None, hidden) else nn.Linear(hidden, self.spec.width)
        self.pooling = pooling

    def forward(self, tokens: Tokens) -> Text:
        """Read a batch; lengths may come in any order, and no caption depends on its neighbours."""
        hidden, read, words = self.read(tokens)
        if self.pooling == "mean":
            sentence = (hidden * read[:, :, None]).sum(1) / read.sum(1, keepdim=True)  # [B,P+L+S,K] -> [B,K]
        else:
            sentence = hidden[:, 0]
        return Text(self.projection(sentence), self.projection(words) * tokens.mask[:, :, None], tokens.mask)


def _encoder(network: Any) -> nn.Module:
    """The encoder of a model in float32, without the pooler, which belongs to another task."""
    encoder = network.get_encoder() if network.config.is_encoder_decoder else network
    if getattr(encoder, "pooler", None) is not None:
        encoder.pooler = None
    float32: nn.Module = encoder.float()
    return float32


def _fresh(source: TextSource, width: int, layers: int, heads: int, max_words: int) -> Origin:
    """A BERT of these sizes over the words of a vocabulary."""
    if width % heads:
        raise ZooError(
            f"text_encoder.heads: {heads} heads cannot share a width of {width}; a divisor of it can"
        )
    words = vocabulary_of(source).words
    start, padding = len(words), words[0]
    index = {word: place for place, word in enumerate(words)} | {_START: start}
    tokenizer = Tokenizer(models.WordLevel(index, unk_token=padding))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"\w+"), "removed", invert=True)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{_START} $A", special_tokens=[(_START, start)]
    )
    config = BertConfig(
        vocab_size=len(index),
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=4 * width,
        max_position_embeddings=max_words + 1,
        pad_token_id=0,
    )
    wrapped = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, pad_token=padding, unk_token=padding, cls_token=_START
    )
    return Origin(config, wrapped)
