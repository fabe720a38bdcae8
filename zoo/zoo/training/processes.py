"""Processes that train together, and what Accelerate does in each: precision, backward pass, clipping."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, cast

import torch
import torch.distributed as dist
from accelerate import Accelerator, DistributedDataParallelKwargs, PartialState
from accelerate.state import AcceleratorState
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from zoo_registry import Recipe, ZooError

from ..devices import device_named


def processes_on(device: str | None) -> PartialState:
    """The processes that train, on a device by its name; None: the best there is, one a process.

    Raises `ZooError` for a device that is not here, and for another than the launcher gives.
    """
    named = device_named(device)
    state = PartialState(cpu=named.type == "cpu" and device is not None)
    if state.num_processes == 1:
        state.device = named  # it may have been another one before in this program
        if named.index is not None:
            torch.cuda.set_device(named)  # for what asks for no device by its number
    elif named.index is not None:
        raise ZooError(f"device {device!r}: of several processes each gets its card from the launcher")
    elif device is not None and device_of(state).type != named.type:
        raise ZooError(f"device {device!r}: the launcher set these processes up for {device_of(state)}")
    return state


@cache
def waiting_group() -> dist.ProcessGroup:
    """A group on the CPUs that waits for a process that decodes or measures for long."""
    return cast("dist.ProcessGroup", dist.new_group(backend="gloo", timeout=timedelta(days=30)))


def wait_for_all(state: PartialState) -> None:
    """Wait until every process is here, however long one of them works."""
    if state.num_processes > 1:
        dist.barrier(waiting_group())


@contextmanager
def local_main_first(state: PartialState) -> Iterator[None]:
    """The block by one process of each machine, then by the others."""
    if not state.is_local_main_process:
        wait_for_all(state)
    try:
        yield
    finally:  # an error that stops the first is met by the others as well
        if state.is_local_main_process:
            wait_for_all(state)


@contextmanager
def lost_processes_named(run: Path) -> Iterator[None]:
    """Raise `ZooError` where the block fails because another process has ended or cannot be reached."""
    try:
        yield
    except RuntimeError as error:
        message = str(error)
        if not isinstance(error, dist.DistError) and not any(name in message for name in ("gloo", "NCCL")):
            raise
        raise ZooError(
            f"another process of this run has ended, or cannot be reached: {message.splitlines()[0]}\n"
            f"go on from the newest checkpoint with: zoo train --resume {run}"
        ) from None


def any_process(flag: bool, state: PartialState) -> bool:
    """Whether the flag is set in any process."""
    if state.num_processes == 1:
        return flag
    flags = torch.tensor([flag], dtype=torch.uint8)
    dist.all_reduce(flags, dist.ReduceOp.MAX, group=waiting_group())
    return bool(flags)


def mean_over_processes(values: Mapping[str, float], state: PartialState) -> dict[str, float]:
    """The mean of each value over processes, which all have the same names."""
    if state.num_processes == 1 or not values:
        return dict(values)
    sums = torch.tensor(list(values.values()), dtype=torch.float64)
    dist.all_reduce(sums, group=waiting_group())
    return dict(zip(values, (sums / state.num_processes).tolist(), strict=True))


class _Gathered(torch.autograd.Function):
    """Rows of all processes; a row's gradient is the sum of what every process's loss makes of it."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor) -> Tensor:
        ctx.group = waiting_group() if tensor.device.type == "cpu" else dist.group.WORLD
        rows = [torch.empty_like(tensor) for _ in range(dist.get_world_size())]
        dist.all_gather(rows, tensor, group=ctx.group)
        return torch.cat(rows)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        total = gradient.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total, group=ctx.group)
        return total.chunk(dist.get_world_size())[dist.get_rank()]


def gathered(tensor: Tensor) -> Tensor:
    """A tensor [B,...] of every process, one after the other [B × processes,...]; gradients flow back."""
    found: Tensor = _Gathered.apply(tensor.contiguous())
    return found


def device_of(state: PartialState) -> torch.device:
    """The device of this process."""
    device = state.device
    assert device is not None
    return device


Loss = tuple[Tensor, Mapping[str, Tensor]]


class Hooked(nn.Module):
    """Gives a module a `forward` that computes any loss of it.

    DistributedDataParallel hooks `forward` alone, while a discriminator is called through `features` and
    `score`; wrapped around this, it averages gradients while the backward pass goes on.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, loss: Callable[[], Loss]) -> Loss:
        """What `loss` gives."""
        return loss()


_MIXED = {"float32": "no", "bf16": "bf16"}  # Accelerate's names of precisions


def accelerator_for(precision: str) -> Accelerator:
    """Accelerate's engine for a stage's precision, "float32" or "bf16"."""
    AcceleratorState._reset_state()  # the stage before may have had another precision
    # a phase may leave weights out: a head whose loss weighs nothing yet, layers that have not grown
    ddp = DistributedDataParallelKwargs(find_unused_parameters=True)
    return Accelerator(mixed_precision=_MIXED[precision], device_placement=False, kwargs_handlers=[ddp])


def hooked(accelerator: Accelerator, module: nn.Module) -> nn.Module:
    """The module in a `Hooked`, made ready by Accelerate; of several processes it averages gradients."""
    prepared: nn.Module = accelerator.prepare(Hooked(module))
    if isinstance(prepared, DistributedDataParallel):
        # the first process's statistics of batch norm would overwrite those that a backward pass still needs
        prepared.broadcast_buffers = False
    return prepared


def check_launcher(*recipes: Recipe) -> None:
    """Raise `ZooError` for what `accelerate launch` was asked for and the recipes do not say."""

    def asked(name: str, default: str) -> str:
        return os.environ.get(f"ACCELERATE_{name}", default).lower()

    mixed = asked("MIXED_PRECISION", "no")
    for recipe in recipes:
        precision = recipe.train.precision
        if mixed not in ("no", _MIXED[precision]):
            raise ZooError(
                f"accelerate launch --mixed_precision {mixed}: expected the precision of {recipe.name}, "
                f"{precision}; the recipe's is set by --set train.precision=…"
            )
    steps = asked("GRADIENT_ACCUMULATION_STEPS", "1")
    if steps != "1":
        raise ZooError(f"accelerate launch --gradient_accumulation_steps {steps}: expected 1")
    backend = asked("DYNAMO_BACKEND", "no")
    if backend != "no":
        raise ZooError(f"accelerate launch --dynamo_backend {backend}: expected no")
    for engine in ("DEEPSPEED", "FSDP", "MEGATRON_LM"):
        if asked(f"USE_{engine}", "false") == "true":
            flag = f"--use_{engine.lower()}"
            raise ZooError(f"accelerate launch {flag}: expected --multi_gpu: each process holds all weights")
