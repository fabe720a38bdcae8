"""What a task promises: one way to train the parts of a recipe.

Shape letters: see `zoo_registry.contracts`. Steps count from 0.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Protocol, runtime_checkable

from .losses import Round
from .values import Condition, Growth, Text

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from ..training import Evaluation, GrowthStage, Training


class Batch(NamedTuple):
    """Images, one caption each, and what they are."""

    pixels: Tensor  # [B,3,R,R] uint8
    captions: tuple[str, ...]  # "" where an image has none
    labels: Tensor | None  # [B] int64
    indices: Tensor  # [B] int64, which images of the set
    every_caption: tuple[tuple[str, ...], ...] = ()  # all that each image has


@dataclass(frozen=True)
class Segment:
    """Steps that train at one resolution with one batch size."""

    resolution: int  # R of the largest image
    first: int  # step
    steps: int
    batch_size: int
    epoch: int  # steps
    fade: int  # steps in which alpha goes from 0 to 1


@runtime_checkable
class Sampler(Protocol):
    """Which images a step takes, and how many steps an epoch has."""

    def epoch(self, images: int, classes: int, batch_size: int, batches: int) -> int:
        """Steps of an epoch that takes so many batches a step.

        classes: 0 where some images have none. Raises `ZooError` where the data cannot fill a step.
        """
        ...

    def indices(
        self,
        step: int,
        segment: Segment,
        size: int,
        images: int,
        labels: Tensor | None,
        seeded: Callable[..., torch.Generator],
    ) -> Tensor:
        """The images [size] of a step, a pure function of it.

        images: how many there are. labels: [images]; None where some have no class. seeded: a generator on
        the CPU for a key of integers and strings.
        """
        ...


@dataclass(frozen=True)
class Phase:
    """Updates of a module by one optimiser: what a step of training consists of.

    The engine computes the loss under autocast, zeroes the gradients, goes back, meanwhile averages gradients
    over the processes, clips them, and takes the optimiser's step.
    """

    name: str  # what its terms are logged under
    module: nn.Module  # whose gradients are averaged over the processes
    optimiser: torch.optim.Optimizer  # may be shared with another phase
    every: int = 1  # in steps that are a multiple of it
    repeats: int = 1  # updates a step, each on a batch of its own
    lr: Callable[[int], float] | None = None  # learning rate by step; None: the optimiser's
    clip: float = 0.0  # largest norm of the gradient; 0: not clipped
    clipped: nn.Module | None = None  # whose gradient is clipped; None: that of `module`


@dataclass(frozen=True)
class Plan:
    """What the engine has to know of a task before it is built; it follows from the settings of `train`."""

    batches: int = 1  # a step: the most repeats of a phase
    resolution: int | None = None  # R of the images, where the recipe has no generator that tells it
    sampler: Sampler | None = None  # None: every epoch takes all images in a new order
    growth: tuple[GrowthStage, ...] | None = None  # (): all resolutions alike; None: nothing grows
    needs: Mapping[str, str] = field(default_factory=dict)  # by setting: what some part has to give
    samples_every: int | None = None  # steps between grids of generated images; None: no grids
    evaluate: Evaluation | None = None  # what is measured on generated images
    validate_every: int | Literal["epoch"] | None = None  # steps between calls of `validate`; None: never
    best: tuple[str, ...] = ()  # metrics of `validate` by which a model is the best, the first weighs most;
    # without any, and without `evaluate.best`, the newest weights are the model
    better: Literal["higher", "lower"] = "higher"  # which values of those metrics
    held_out: int = 0  # most held-out images that `validate` is handed; 0: their captions alone


class HeldOut(Protocol):
    """Held-out data: those of the split "test" or, where there is none, what `Task.holds_out` says."""

    @property
    def captions(self) -> Sequence[str]:
        """All captions of all images; empty where they have none."""
        ...

    def batches(self, size: int) -> Iterator[Batch]:
        """At most `Plan.held_out` images, spread evenly: centre crops, each with its first caption."""
        ...


class Setup(Protocol):
    """What the engine hands to a task: the parts it trains, and help. Modules are on `device`, in eval mode.

    Random numbers come from `seeded`, or from torch's global generator, whose seed is set every step.
    """

    training: Training  # the settings that every task has
    parts: Mapping[str, Any]  # modules by their place in the recipe
    frozen: Collection[str]  # places whose modules do not learn
    losses: tuple[str, ...]  # names, in the recipe's order
    augmentations: tuple[Any, ...]
    device: torch.device
    process: int  # number of this process, from 0
    processes: int  # how many train together
    resolution: int  # R of the largest images
    code_width: int  # C, the width of the conditioning's noise; 0 without one

    def learning(self, *places: str) -> nn.ModuleDict:
        """Those of the modules that the recipe has and does not freeze, put into training mode."""
        ...

    def adam(
        self, parameters: Iterable[nn.Parameter], *, lr: float, betas: tuple[float, float]
    ) -> torch.optim.Optimizer:
        """An Adam that is fast in the memory format of the weights."""
        ...

    def seeded(self, *key: int | str) -> torch.Generator:
        """A generator on the CPU for a key, such as (step, process, "noise"), and the run's seed."""
        ...

    def noise(self, count: int, width: int, source: torch.Generator) -> Tensor:
        """Normal noise [count,width] on the device: this process's rows of what `source` gives for all.

        Where every process hands over a generator of the same state, the rows together are one process's.
        """
        ...

    def growth(self, step: int) -> Growth:
        """How far a growing generator has grown at a step; else all of it."""
        ...

    def epoch(self, step: int) -> int:
        """Whole epochs before a step."""
        ...

    def read(self, captions: Sequence[str]) -> Text:
        """The captions as the text encoder reads them; sentences [B,0] where the recipe has none."""
        ...

    def condition(self, text: Text, noise: Tensor) -> Condition:
        """The generator's condition; `noise` [B,C] itself where the recipe has no text."""
        ...

    def images(self, pixels: Tensor, resolutions: Sequence[int]) -> tuple[Tensor, ...]:
        """Pixels [B,3,R,R] uint8 as images in [-1, 1] on the device, one [B,3,r,r] per resolution."""
        ...

    def total(
        self, round: Round, player: str, losses: Collection[str] | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The weighted sum of the losses for a player, "generator" or "discriminator", and its terms.

        losses: names of those that count; None: all. The terms are unweighted and detached. The last round of
        a step is what the hook `zoo_step` observes.
        """
        ...

    def gather(self, tensor: Tensor) -> Tensor:
        """A tensor [B,...] of every process, one after the other: [B * processes,...]. Gradients flow back.

        The engine averages gradients over processes, so a loss may be the mean over a process's own rows, or
        over the rows of all.
        """
        ...


@runtime_checkable
class Task(Protocol):
    """One way to train a recipe's parts. Built with a `Setup`; its settings stand in the recipe's `train`.

    A step is a pure function of what `state` and the optimisers hold, the batches, and the step's number.
    """

    places: ClassVar[tuple[str, ...]]  # of a recipe, which has to fill them
    about: ClassVar[str]  # what it trains, for a model card: "A generative adversarial network"
    tags: ClassVar[tuple[str, ...]] = ()  # of a model on the Hub
    holds_out: ClassVar[bool] = False  # every tenth image, where a data set has no split "test"
    may_change: ClassVar[Collection[str]] = ()  # settings that can change when a run goes on

    phases: Sequence[Phase]  # of a step, in order

    @classmethod
    def plan(cls, settings: Any, /) -> Plan:
        """What the engine has to know first. `settings` has every value of `train` as an attribute."""
        return Plan()

    @classmethod
    def problems(cls, settings: Any, losses: Sequence[str], /) -> Iterable[str]:
        """What is wrong with the settings, given the names of the losses: "train.KEY: …"."""
        return ()

    @classmethod
    def wires(cls, settings: Any, place: str, wires: Mapping[type, Any], /) -> Mapping[type, Any]:
        """The wires of the part in a place, as this task uses it: a change of what is handed over."""
        return wires

    def loss(self, phase: str, batch: Batch, step: int, repeat: int) -> tuple[Tensor, Mapping[str, Tensor]]:
        """What a phase minimises, and its terms for the log, detached. A loss without gradient is passed."""
        ...

    def updated(self, phase: str, step: int) -> None:
        """After an update of a phase."""

    def validate(self, held_out: HeldOut) -> Mapping[str, float]:
        """Metrics on held-out data, called MEASURE/SCORE. Leaves training modes as they were."""
        return {}

    def averaged(self) -> Mapping[str, nn.Module]:
        """By place: the modules that are saved and generate in place of those that are trained."""
        return {}

    @property
    def state(self) -> Mapping[str, Any]:
        """What a checkpoint holds beside the optimisers: objects with `state_dict` and `load_state_dict`."""
        return {phase.name: phase.module for phase in self.phases}
