"""The text encoder of CLIP (arXiv:2103.00020), section 2.4, in the form of Hugging Face transformers.

Letters as in zoo_registry.contracts, but L counts pieces of words; also K width of the hidden states.
"""

from __future__ import annotations

import torch
from pydantic import PositiveInt
from torch import nn
from transformers import CLIPTextModelWithProjection

from zoo_registry.contracts import Text, TextEncoder, TextSource, TextSpec, Tokens
from zoo_registry.errors import ZooError

from .hub import build, fetch, load, read_folder
from .pieces import PieceEncoder, saved


class CLIPText(PieceEncoder, TextEncoder):
    """Pieces of words to CLIP's text embedding [B,D] and vectors [B,L,D], 0 where padded.

    The sentence is the hidden state of the piece that ends the caption, projected to the space where CLIP
    compares it with images, by cosine. The words are the states of their own pieces, projected alike.

    model: a name on the Hugging Face Hub or the folder of a CLIP model saved with transformers.
    width: D, of words and sentence: where given, and other than CLIP's own, one more linear layer leads
        there.
    max_words: of a longer caption, the first `max_words` pieces of words are read; CLIP reads 75.
    pretrained: start from the model's published weights; False: from its configuration alone.

    A saved model holds the tokenizer and the configuration, so `model` is needed once only.
    """

    network: CLIPTextModelWithProjection

    def __init__(
        self,
        source: TextSource,
        /,
        *,
        model: str = "openai/clip-vit-base-patch32",
        width: PositiveInt | None = None,
        max_words: PositiveInt = 75,
        pretrained: bool = True,
    ) -> None:
        origin, fetched = saved(source), None
        if origin is None:
            fetched = fetch(model, "text_encoder.model", weights=pretrained)
            origin = read_folder(fetched, model)
        if origin.config.model_type == "clip":
            origin = origin._replace(config=origin.config.text_config)
        if origin.config.model_type != "clip_text_model":
            raise ZooError(
                f"text_encoder.model: {model} is of type {origin.config.model_type!r}, which is no CLIP; "
                "other text encoders are read by 'transformer'"
            )
        if fetched is not None and pretrained:
            network = load(origin.config, fetched, model, "text_encoder.model", CLIPTextModelWithProjection)
        else:
            network = build(origin.config, CLIPTextModelWithProjection)
        super().__init__(network.float(), origin, max_words)
        space = origin.config.projection_dim
        self.spec = TextSpec(width or space, words=True)
        self.projection = nn.Identity() if width in (None, space) else nn.Linear(space, self.spec.width)

    def forward(self, tokens: Tokens) -> Text:
        """Read a batch; lengths may come in any order, and no caption depends on its neighbours."""
        hidden, read, words = self.read(tokens)
        rows = torch.arange(hidden.shape[0], device=hidden.device)
        end = hidden[rows, read.sum(1) - len(self.after)]  # [B,P+L+S,K] -> [B,K]
        sentence, vectors = (self.projection(self.network.text_projection(h)) for h in (end, words))
        return Text(sentence, vectors * tokens.mask[:, :, None], tokens.mask)
