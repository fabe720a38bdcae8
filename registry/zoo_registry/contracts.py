"""What the parts of a pipeline promise each other.

Shape letters used everywhere in the zoo:
B batch, L words, D text width, C condition width, Z noise width, R image side in pixels, N image regions.

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
    """What a text encoder read in a batch of captions."""

    sentence: Tensor  # [B,D]
    words: Tensor | None = None  # [B,L,D]
    mask: Tensor | None = None  # [B,L] bool, True where real


class ImageFeatures(NamedTuple):
    """What an image encoder saw in a batch of images."""

    vector: Tensor  # [B,D]
    regions: Tensor | None = None  # [B,N,D], row-major over the grid
    grid: tuple[int, int] | None = None  # (h, w), N = h * w


class Condition(NamedTuple):
    """The sentence as the generator receives it; `mean` and `logvar` where it was drawn from a Gaussian."""

    code: Tensor  # [B,C]
    mean: Tensor | None = None  # [B,C]
    logvar: Tensor | None = None  # [B,C]


class Phase(NamedTuple):
    """How far a growing network has grown. Networks that do not grow ignore it.

    At blend 0 the picture is the smaller side's, doubled by nearest neighbour; at 1 it is the newest's.
    """

    side: int  # R of the largest image now drawn
    blend: float = 1.0  # share of the newest side in the picture, 0 to 1


class Drawing(NamedTuple):
    """What a generator drew, small to large."""

    images: tuple[Tensor, ...]  # each [B,3,R,R] in [-1,1]
    attention: tuple[Tensor, ...] = ()  # each [B,L,h,w], softmax over L; one a stage that attends to words


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
    """What a generator draws.

    Its sides, small to large, and whether it draws one of them at a time (growing).
    """

    sides: tuple[int, ...]
    noise_width: int
    growing: bool = False

    def sides_in(self, phase: Phase) -> tuple[int, ...]:
        """The sides of `Drawing.images` in a phase."""
        return (phase.side,) if self.growing else self.sides


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
        """How captions become ids, as JSON data for programs without this part; None where it cannot be told.

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
        """`images` is [B,3,R,R] in [-1, 1], of any side."""
        ...


@runtime_checkable
class Conditioning(Protocol):
    """The sentence to the code that the generator receives. Built with the `TextSpec`."""

    width: int

    def forward(self, sentence: Tensor, *, noise: Tensor | None = None) -> Condition:
        """`noise` is [B, width], standard normal; None takes the mean.

        Conditionings that draw nothing ignore it.
        """
        ...


@runtime_checkable
class Generator(Protocol):
    """Noise, condition and text to images. Built with the `TextSpec` and the `ConditionSpec`."""

    spec: GeneratorSpec

    @staticmethod
    def largest_side(settings: BaseModel, /) -> int:
        """R of the largest image that a generator with these settings draws, before one is built.

        This one reads a setting `sides`, small to large; a generator without that setting has its own.
        """
        sides: Sequence[int] = settings.sides  # type: ignore[attr-defined]
        return sides[-1]

    def forward(self, noise: Tensor, condition: Condition, text: Text, phase: Phase) -> Drawing:
        """`noise` is [B,Z], standard normal."""
        ...


@runtime_checkable
class Discriminator(Protocol):
    """Judges images, alone and with their sentence. Built with the `TextSpec` and the `GeneratorSpec`.

    The `TextSpec` is of what it is told of the caption (`Round.sentence`). At width 0 there is nothing to be
    told, and it must offer `score(features, None)`.
    """

    unconditional: bool  # whether `score(features, None)` is offered

    def features(self, images: tuple[Tensor, ...], phase: Phase) -> tuple[Tensor, ...]:
        """One pass over the pixels, which every score shares: one tensor a side, batch first."""
        ...

    def score(self, features: tuple[Tensor, ...], sentence: Tensor | None) -> tuple[Tensor, ...]:
        """Logits [B], one tensor a side; `sentence` is [B,D], None for the unconditional head."""
        ...


@runtime_checkable
class JointEmbedding(Protocol):
    """What a discriminator offers that also compares images and captions (its component gives "match")."""

    def match(self, features: tuple[Tensor, ...], text: Text) -> tuple[ImageFeatures, Text]:
        """Images, as `features` gave them, and captions in one space: vectors [B,E], regions and words."""
        ...


@runtime_checkable
class Augmentation(Protocol):
    """Changes images before the discriminator sees them, real and drawn ones alike, so that gradients pass.

    Built without wires. An nn.Module; what it learns while training are buffers.
    """

    def forward(self, images: Tensor, source: torch.Generator) -> Tensor:
        """`images` is [B,3,R,R] in [-1, 1]; every random draw comes from `source`, a generator on the CPU."""
        ...

    def adapt(self, scores: tuple[Tensor, ...]) -> None:
        """Learn from the discriminator's logits [B] of real images, one tensor a side, after its step."""


# ----------------------------------------------------------------------------------------------------
# Losses


@dataclass
class Round:
    """All that one training step produced. Features are computed once and shared among the losses.

    In the task `match` there is no generator: the drawing is the real picture, and the encoders learn. In the
    task `invert` the drawing is the generator's, and the style encoder learns to read `noise` from it.
    """

    drawing: Drawing
    text: Text
    real: tuple[Tensor, ...] = ()  # each [B,3,R,R], the sides of `drawing`
    sentence: Tensor | None = None  # [B,D]: what the discriminator is told of the caption; None: nothing
    condition: Condition | None = None
    noise: Tensor | None = None  # [B,Z]
    captions: tuple[str, ...] = ()
    labels: Tensor | None = None  # [B] int64: the class; None where the data has no classes
    mismatch: tuple[Tensor, Tensor] | None = (
        None  # int64 [M], [M]: image index, index of a sentence that is not its own
    )
    phase: Phase = field(default_factory=lambda: Phase(0))
    step: int = 0  # from 0
    source: torch.Generator | None = None  # on the CPU: what a loss draws at random comes from here
    discriminator: Discriminator | None = None
    image_encoder: Callable[[Tensor], ImageFeatures] | None = None
    augment: Callable[[tuple[Tensor, ...]], tuple[Tensor, ...]] | None = None

    def judged(self, images: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """The discriminator's features of some images, augmented, one a side."""
        assert self.discriminator is not None
        seen = images if self.augment is None else self.augment(images)
        return self.discriminator.features(seen, self.phase)

    @cached_property
    def real_features(self) -> tuple[Tensor, ...]:
        """The discriminator's features of the real images, one a side."""
        return self.judged(self.real)

    @cached_property
    def fake_features(self) -> tuple[Tensor, ...]:
        """The discriminator's features of the drawn images, one a side."""
        return self.judged(self.drawing.images)

    @cached_property
    def image_features(self) -> ImageFeatures:
        """The image encoder's features of the largest drawn image."""
        assert self.image_encoder is not None
        return self.image_encoder(self.drawing.images[-1])

    @property
    def told(self) -> tuple[Tensor | None, ...]:
        """What the discriminator's heads are told, one entry a head: the sentence, and None for nothing."""
        assert self.discriminator is not None
        sentences = () if self.sentence is None else (self.sentence,)
        return (*sentences, None) if self.discriminator.unconditional else sentences

    def detach(self) -> Round:
        """The round as the discriminator's losses see it.

        Nothing of it leads back into the generator or the text.
        """

        def cut(values: tuple[Any, ...]) -> list[Any]:
            return [v if v is None else v.detach() for v in values]

        return replace(
            self,
            drawing=Drawing(*(tuple(cut(group)) for group in self.drawing)),
            text=Text(*cut(self.text)),
            sentence=None if self.sentence is None else self.sentence.detach(),
            condition=None if self.condition is None else Condition(*cut(self.condition)),
        )


@runtime_checkable
class Loss(Protocol):
    """Named scalars for the generator's side and the discriminator's; the task weighs, sums and logs them.

    A loss never detaches: the round that the discriminator's losses receive is already cut. Its weight is the
    recipe's, not its own. An nn.Module too where it holds weights; they are moved, never trained or saved.
    """

    def generator(self, round: Round, /) -> Mapping[str, Tensor]:
        """Terms that the generator's side minimises (in the task `match`: the encoders)."""
        return {}

    def discriminator(self, round: Round, /) -> Mapping[str, Tensor]:
        """Terms that the discriminator minimises."""
        return {}


# ----------------------------------------------------------------------------------------------------
# Data


@dataclass(frozen=True)
class Record:
    """One picture of a data set with its captions."""

    name: str  # unique in the set: the path below its folder, without the ending
    image: Path | Callable[[], Image.Image]  # a file, or what draws it or opens it (not yet decoded)
    captions: tuple[str, ...]  # none: a set for recipes without text
    label: str | None = None  # the class
    box: tuple[float, float, float, float] | None = (
        None  # x, y, width, height in pixels: the object's bounding box
    )
    attributes: Mapping[str, str] = field(default_factory=dict)  # what a procedural set knows of its picture
    stated: tuple[frozenset[str], ...] | None = None  # of each caption, the attributes it tells


class Problem(NamedTuple):
    """A fault of a data set, told so that its owner can mend it."""

    file: str  # path below the set's folder
    what: str  # what is wrong and what would be right


@runtime_checkable
class Dataset(Protocol):
    """A reader of one published layout, or a procedure that draws.

    Built with a `DataSource`; reads no pixels.
    """

    source: DataSource
    folder_layout: ClassVar[str]  # one line for the user: what such a folder holds; "" for procedural sets
    metavar: ClassVar[str] = "DIR"  # what follows the colon of NAME:ARGUMENT; DIR has to be a folder

    @classmethod
    def recognises(cls, folder: Path) -> bool:
        """Whether a folder has this layout."""
        ...

    def splits(self) -> tuple[str, ...]:
        """The splits that are there: "train", "test"."""
        ...

    def records(self, split: str) -> Sequence[Record]:
        """The pictures of a split that have captions and a file, in a fixed order."""
        ...

    def problems(self) -> Sequence[Problem]:
        """Faults of the layout and of the captions. Pictures are opened by the engine, which adds theirs."""
        ...

    def fingerprint(self) -> str | None:
        """What identifies pictures that are no files, without drawing them; None: the files' content does."""
        ...


@dataclass(frozen=True)
class DataSource:
    """Where a data set comes from.

    `NAME:ARGUMENT` on the command line. For drawn sets `argument` is the count.
    """

    argument: str
    side: int | None = None  # pictures are wanted at this side or larger; None: as they are
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
