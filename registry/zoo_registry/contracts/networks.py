"""Parts that are networks. Each is an nn.Module too; the class line of a part names its contract.

Shape letters: see `zoo_registry.contracts`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from .values import Condition, Generated, Growth, ImageFeatures, Text, Tokens
from .wires import GeneratorSpec, TextSpec

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@runtime_checkable
class TextEncoder(Protocol):
    """Captions to vectors. Built with a `TextSource`."""

    spec: TextSpec

    def tokenize(self, captions: Sequence[str]) -> Tokens:
        """Captions as ids, on the CPU.

        A caption without one known word becomes a single padding id, masked True.
        """
        ...

    def split(self, caption: str) -> tuple[str, ...]:
        """The pieces that `tokenize` makes ids of, in order: what attention maps are labelled with.

        Empty for a caption without a known word.
        """
        ...

    def unknown(self, caption: str) -> tuple[str, ...]:
        """The words of a caption that the vocabulary does not have, in order, each once."""
        ...

    def left_out(self, caption: str) -> int:
        """How many known words, pieces of words or characters come after those that are read."""
        return 0

    def save_tokenizer(self, folder: Path) -> None:
        """Write what `TextSource(folder=folder)` needs to make the same tokens again."""
        ...

    def tokenizer_config(self) -> Mapping[str, Any] | None:
        """How captions become ids, as JSON data for programs without this part; None where that is not
        possible.

        With what `save_tokenizer` wrote it has to lead to the ids of `tokenize`. By "scheme":
        "words": captions in lower case, runs of `\\w` that are among the "words" of `vocabulary.json`, an id
        their place in it, the first "max_words" of them.
        "characters": captions in lower case, the first "length" characters, an id the last place among
        "symbols", "padding" where there is none and up to that length; only ids that are not are masked True.
        "pieces": what the library tokenizers makes of a caption by `text_encoder/tokenizer.json`, without
        ids among "special", the first "max_words" of them; "unknown" is the id of what is not known.
        """
        return None

    def forward(self, tokens: Tokens) -> Text:
        """Read a batch of captions."""
        ...


@runtime_checkable
class ImageEncoder(Protocol):
    """Images to vectors in the text's space, where they can be compared. Built with the `TextSpec`.

    As a style encoder it reads noise back from images: its `TextSpec` then has the width of the noise.
    """

    def forward(self, images: Tensor) -> ImageFeatures:
        """`images` is [B,3,R,R] in [-1, 1], of any resolution."""
        ...


@runtime_checkable
class Conditioning(Protocol):
    """The sentence to the code that the generator receives. Built with the `TextSpec`."""

    width: int

    def forward(self, sentence: Tensor, *, noise: Tensor | None = None) -> Condition:
        """`noise` is [B, width], standard normal; None takes the mean.

        Conditionings that sample nothing ignore it.
        """
        ...


@runtime_checkable
class Generator(Protocol):
    """Noise, condition and text to images. Built with the `TextSpec` and the `ConditionSpec`."""

    spec: GeneratorSpec

    @staticmethod
    def largest_resolution(settings: Any, /) -> int:
        """R of the largest image of a generator with these settings, before one is built.

        This one reads a setting `resolutions`, small to large; a generator without that setting has its own.
        """
        resolutions: Sequence[int] = settings.resolutions
        return resolutions[-1]

    def forward(self, noise: Tensor, condition: Condition, text: Text, growth: Growth) -> Generated:
        """`noise` is [B,Z], standard normal."""
        ...


@runtime_checkable
class Discriminator(Protocol):
    """Judges images, alone and with their sentence. Built with the `TextSpec` and the `GeneratorSpec`.

    The `TextSpec` is that of its sentence input (`Round.sentence`). At width 0 there is no sentence, and it
    must have an unconditional head, `score(features, None)`.
    """

    unconditional: bool  # whether there is a `score(features, None)`

    def features(self, images: tuple[Tensor, ...], growth: Growth) -> tuple[Tensor, ...]:
        """One pass over the pixels, which every score shares: tensors, batch first."""
        ...

    def score(self, features: tuple[Tensor, ...], sentence: Tensor | None) -> tuple[Tensor, ...]:
        """Logits [B], one tensor per resolution, scale or depth that is judged.

        `sentence` is [B,D]; None for the unconditional head.
        """
        ...


@runtime_checkable
class JointEmbedding(Protocol):
    """The method of a discriminator that also compares images and captions (its component gives "match")."""

    def match(self, features: tuple[Tensor, ...], text: Text) -> tuple[ImageFeatures, Text]:
        """Images, as `features` gave them, and captions in one space: vectors [B,E], regions and words."""
        ...


@runtime_checkable
class Redescription(Protocol):
    """The method of an image encoder or a discriminator that predicts the words of captions from images.

    Its component gives "redescription". redescribes: whether it does so with its settings.
    """

    redescribes: bool

    def redescribe(self, features: Any, text: Text) -> Tensor:
        """Logits [B,L,V] of each word of a caption, from the image and the caption's other words.

        `features` are those that the part itself gave of the images; V is `TextSpec.entries`.
        """
        ...


@runtime_checkable
class Augmentation(Protocol):
    """Changes real and generated images alike before the discriminator sees them; gradients pass through.

    Built without wires. An nn.Module; what it learns while training are buffers.
    """

    def forward(self, images: Tensor, source: torch.Generator) -> Tensor:
        """`images` is [B,3,R,R] in [-1, 1]; random numbers come from `source`, a generator on the CPU."""
        ...

    def adapt(self, scores: tuple[Tensor, ...]) -> None:
        """Adapt, after a step, to the discriminator's logits on real images: one [B] per resolution."""
