"""What the parts of a pipeline promise each other.

Shape letters used everywhere in the zoo:
B batch, L words, D text width, C condition width, Z noise width, R image resolution (pixels), N image
regions.

Images are float tensors in [-1, 1], channels first, RGB. Masks are bool, True where there is a real word.
This module imports no torch: tensors are annotations only, so that catalogues can be listed without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    import torch
    from PIL import Image
    from pydantic import BaseModel
    from torch import Tensor

# ----------------------------------------------------------------------------------------------------
# Values that flow between parts


class Tokens(NamedTuple):
    """Captions as numbers."""

    ids: Tensor  # [B,L] int64
    mask: Tensor  # [B,L] bool, True where real; at least one True a row


class Text(NamedTuple):
    """A text encoder's features of a batch of captions."""

    sentence: Tensor  # [B,D]
    words: Tensor | None = None  # [B,L,D]
    mask: Tensor | None = None  # [B,L] bool, True where real


class ImageFeatures(NamedTuple):
    """An image encoder's features of a batch of images."""

    vector: Tensor  # [B,D]
    regions: Tensor | None = None  # [B,N,D], row-major over the grid
    grid: tuple[int, int] | None = None  # (h, w), N = h * w


class Condition(NamedTuple):
    """The sentence as the generator receives it; `mean` and `logvar` where it was sampled from a Gaussian."""

    code: Tensor  # [B,C]
    mean: Tensor | None = None  # [B,C]
    logvar: Tensor | None = None  # [B,C]


class Growth(NamedTuple):
    """How far a growing network has grown. Networks that do not grow ignore it.

    ProGAN's alpha fades the newest resolution in: at 0 the image is the smaller one, doubled by nearest
    neighbour.
    """

    resolution: int  # R of the largest image generated now
    alpha: float = 1.0  # share of the newest resolution in the image, 0 to 1


class Generated(NamedTuple):
    """A generator's images, small to large."""

    images: tuple[Tensor, ...]  # each [B,3,R,R] in [-1,1]
    attention: tuple[Tensor, ...] = ()  # each [B,L,h,w], softmax over L; one per stage that attends to words


# ----------------------------------------------------------------------------------------------------
# Wires: what earlier parts promise to later ones. The assembler hands them over by type, so no recipe
# repeats a width.


@dataclass(frozen=True)
class TextSource:
    """Where a text encoder takes its vocabulary or tokenizer from.

    The first that is given: a saved model's folder; the words in the order of their index, the first for
    padding; a number of entries whose words are not known (weights without their vocabulary); the training
    captions.
    """

    captions: Iterable[str] = ()
    folder: Path | None = None
    words: Sequence[str] | None = None
    entries: int | None = None


@dataclass(frozen=True)
class TextSpec:
    """What a text encoder gives.

    A sentence of `width` and, where `words`, a vector of the same width a word. Width 0: a recipe without
    text, whose sentences are [B,0].
    """

    width: int
    words: bool = False


@dataclass(frozen=True)
class ConditionSpec:
    """What a conditioning gives: a code of `width`. Width 0: a recipe without text."""

    width: int


@dataclass(frozen=True)
class GeneratorSpec:
    """What a generator makes.

    Its resolutions, small to large, and whether it makes one of them at a time (growing).
    """

    resolutions: tuple[int, ...]
    noise_width: int
    growing: bool = False

    def resolutions_at(self, growth: Growth) -> tuple[int, ...]:
        """The resolutions of `Generated.images` at a growth."""
        return (growth.resolution,) if self.growing else self.resolutions


# ----------------------------------------------------------------------------------------------------
# Parts that are networks. Each is an nn.Module too; the class line of a part names its contract.


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
    def largest_resolution(settings: BaseModel, /) -> int:
        """R of the largest image of a generator with these settings, before one is built.

        This one reads a setting `resolutions`, small to large; a generator without that setting has its own.
        """
        resolutions: Sequence[int] = settings.resolutions  # type: ignore[attr-defined]
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
class Augmentation(Protocol):
    """Changes real and generated images alike before the discriminator sees them; gradients pass through.

    Built without wires. An nn.Module; what it learns while training are buffers.
    """

    def forward(self, images: Tensor, source: torch.Generator) -> Tensor:
        """`images` is [B,3,R,R] in [-1, 1]; random numbers come from `source`, a generator on the CPU."""
        ...

    def adapt(self, scores: tuple[Tensor, ...]) -> None:
        """Adapt, after a step, to the discriminator's logits on real images: one [B] per resolution."""


# ----------------------------------------------------------------------------------------------------
# Losses


@dataclass
class Round:
    """All that one training step produced. Features are computed once and shared among the losses.

    Where a task trains no generator, `generated` may hold real images, from which encoders learn.
    """

    generated: Generated
    text: Text
    real: tuple[Tensor, ...] = ()  # each [B,3,R,R], the resolutions of `generated`
    sentence: Tensor | None = None  # [B,D]: the discriminator's sentence input; None: unconditional
    condition: Condition | None = None
    noise: Tensor | None = None  # [B,Z]
    captions: tuple[str, ...] = ()
    labels: Tensor | None = None  # [B] int64: the class; None where the data has no classes
    mismatch: tuple[Tensor, Tensor] | None = (
        None  # int64 [M], [M]: image index, index of a sentence that is not its own
    )
    growth: Growth = field(default_factory=lambda: Growth(0))
    step: int = 0  # from 0
    source: torch.Generator | None = None  # on the CPU: what a loss samples at random comes from here
    discriminator: Discriminator | None = None
    image_encoder: Callable[[Tensor], ImageFeatures] | None = None
    augment: Callable[[tuple[Tensor, ...]], tuple[Tensor, ...]] | None = None

    def discriminator_features(self, images: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """The discriminator's features of some images, augmented, one tensor per resolution."""
        assert self.discriminator is not None
        augmented = images if self.augment is None else self.augment(images)
        return self.discriminator.features(augmented, self.growth)

    @cached_property
    def real_features(self) -> tuple[Tensor, ...]:
        """The discriminator's features of the real images, one tensor per resolution."""
        return self.discriminator_features(self.real)

    @cached_property
    def fake_features(self) -> tuple[Tensor, ...]:
        """The discriminator's features of the generated images, one tensor per resolution."""
        return self.discriminator_features(self.generated.images)

    @cached_property
    def image_features(self) -> ImageFeatures:
        """The image encoder's features of the largest generated image."""
        assert self.image_encoder is not None
        return self.image_encoder(self.generated.images[-1])

    @property
    def head_inputs(self) -> tuple[Tensor | None, ...]:
        """The inputs of the discriminator's heads: the sentence, and None for the unconditional head."""
        assert self.discriminator is not None
        sentences = () if self.sentence is None else (self.sentence,)
        return (*sentences, None) if self.discriminator.unconditional else sentences

    def detach(self) -> Round:
        """The round for the discriminator's losses: detached from the generator and the text."""

        def cut(values: tuple[Any, ...]) -> list[Any]:
            return [v if v is None else v.detach() for v in values]

        return replace(
            self,
            generated=Generated(*(tuple(cut(group)) for group in self.generated)),
            text=Text(*cut(self.text)),
            sentence=None if self.sentence is None else self.sentence.detach(),
            condition=None if self.condition is None else Condition(*cut(self.condition)),
        )


@runtime_checkable
class Loss(Protocol):
    """Named scalars for the generator and for the discriminator; the task weighs, sums and logs them.

    A loss never detaches: the round that the discriminator's losses receive is already cut. Its weight is the
    recipe's, not its own. An nn.Module too where it holds weights; they are moved, never trained or saved.
    """

    def generator(self, round: Round, /) -> Mapping[str, Tensor]:
        """Terms that the generator and its encoders minimise, or encoders alone."""
        return {}

    def discriminator(self, round: Round, /) -> Mapping[str, Tensor]:
        """Terms that the discriminator minimises."""
        return {}


# ----------------------------------------------------------------------------------------------------
# Data


@dataclass(frozen=True)
class Record:
    """One image of a data set with its captions."""

    name: str  # unique in the set: the path below its folder, without the ending
    image: Path | Callable[[], Image.Image]  # a file, or a function that draws or opens it (not yet decoded)
    captions: tuple[str, ...]  # none: a set for recipes without text
    label: str | None = None  # the class
    box: tuple[float, float, float, float] | None = (
        None  # x, y, width, height in pixels: the object's bounding box
    )
    attributes: Mapping[str, str] = field(
        default_factory=dict
    )  # what a procedural data set knows of its image
    stated: tuple[frozenset[str], ...] | None = None  # of each caption, the attributes it mentions


class Problem(NamedTuple):
    """A problem of a data set, worded so that its owner can fix it."""

    file: str  # path below the set's folder
    what: str  # what is wrong and what would be right


@runtime_checkable
class Dataset(Protocol):
    """A reader of one published layout, or a procedural data set.

    Built with a `DataSource`; reads no pixels.
    """

    source: DataSource
    folder_layout: ClassVar[
        str
    ]  # one line for the user: what such a folder holds; "" for procedural data sets
    metavar: ClassVar[str] = "DIR"  # what follows the colon of NAME:ARGUMENT; DIR has to be a folder

    @classmethod
    def recognises(cls, folder: Path) -> bool:
        """Whether a folder has this layout."""
        ...

    def splits(self) -> tuple[str, ...]:
        """The splits that are there: "train", "test"."""
        ...

    def records(self, split: str) -> Sequence[Record]:
        """The images of a split that have captions and a file, in a fixed order."""
        ...

    def problems(self) -> Sequence[Problem]:
        """Problems of the layout and of the captions. The engine opens the images and adds theirs."""
        ...

    def fingerprint(self) -> str | None:
        """Identifies images that are not files, without drawing them; None: the content of the files does."""
        ...


@dataclass(frozen=True)
class DataSource:
    """Where a data set comes from.

    `NAME:ARGUMENT` on the command line. For procedural data sets `argument` is the count.
    """

    argument: str
    resolution: int | None = None  # images are needed at this resolution or larger; None: as they are
    seed: int = 0

    @property
    def folder(self) -> Path:
        """The argument as a folder's path."""
        return Path(self.argument).expanduser()


# ----------------------------------------------------------------------------------------------------
# Old checkpoints


class Converted(NamedTuple):
    """One part of an old checkpoint in the zoo's terms."""

    use: str  # the component that holds it
    settings: Mapping[str, Any]  # read off the tensors' shapes
    state: Mapping[str, Tensor]  # our names
    text: TextSpec | None = None  # wires that building it needs, as far as the tensors tell them
    condition: ConditionSpec | None = None
    generator: GeneratorSpec | None = None
    source: TextSource | None = None


@runtime_checkable
class Importer(Protocol):
    """Reads one system's old files. `convert` is a table of names; it sees tensors only, never files."""

    parts: ClassVar[tuple[str, ...]]  # kinds it can convert
    recipe: ClassVar[str]  # of this system: what an imported model's parts are put into

    def within(self, part: str, file: Mapping[str, Any]) -> Mapping[str, Any]:
        """A part's state dict in a file that may hold several; this one takes the whole file."""
        return file

    def convert(self, part: str, state: Mapping[str, Tensor], **dims: Any) -> Mapping[str, Converted]:
        """By kind: the part asked for, and what lives inside the same file (a generator's conditioning)."""
        ...
