"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

A compiled training step that reports to the host only when asked.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import mindspore as ms
import numpy as np
from mindspore import Parameter, Tensor, amp, nn, ops

from .device import Device, give_back_free_memory, level_on

_FINITE = "finite"


def mixed_precision(net: nn.Cell, level: str, device: Device) -> tuple[nn.Cell, Any]:
    """Set a network's precision.

    Args:
        net: Cell; its parameters stay float32.
        level: O0 (float32), O2, O3 (float16), or auto: O2 on Ascend, else O0.
        device: Device of this run.
    Returns:
        (net, loss scaler or None). O0 needs none, but on a card that saturates: its convolutions
        take float16 all the same, and only the scaler's check sees an overflow there.
    """
    level = level_on(device.target, level)
    if level == "O0" and not device.saturates:
        return net, None
    scaler = amp.DynamicLossScaler(scale_value=2.0**16, scale_factor=2, scale_window=1000)
    return (net if level == "O0" else amp.auto_mixed_precision(net, level)), scaler


def fields_of(forward: Callable) -> tuple[str, ...]:
    """The fields of a sample that a forward function takes: its `fields`, or its parameters."""
    return tuple(getattr(forward, "fields", None) or inspect.signature(forward).parameters)


@dataclass(frozen=True)
class Outcome:
    """What a look at the device tells, the same on every rank.

    Attributes:
        values: the last step's terms, their means over the ranks.
        bad_step: first step whose loss, or whose gradients at loss scale 1, were not finite on some
            rank; None while there is none.
        is_ours: whether this rank was one of them.
        stop: some rank was asked to stop.
        overflow: the last step's gradients overflowed, it changed no weight.
    """

    values: dict[str, float]
    bad_step: int | None
    is_ours: bool
    stop: bool
    overflow: bool


class TrainStep:
    """One compiled step: forward, gradients, their mean over the ranks, loss scaling, update.

    The graph itself sees whether the loss is finite. From the first step on where it is not, on any
    rank, nothing changes any more; the host learns of it at its next look. With a loss scaler a
    gradient that is not finite, on any rank, is an overflow: all ranks skip the update and lower
    their scale together. An overflow at scale 1, the lowest, counts like a loss that is not finite:
    otherwise nothing would be trained any more, and nobody told.

    Args:
        forward: function whose parameters are named like fields of a sample, batch tensors ->
            dict of scalars with "loss", which is minimised, and, if a finite loss does not prove
            it, "finite", a bool tensor that must be true.
        networks: {name: Cell} of the stage; their BatchNorms' moving statistics are kept apart.
        optimizer: trains its parameters.
        device: Device of this run.
        scaler: loss scaler for float16.
        jit_level: MindSpore's O0 or O1; empty is its own choice.
        first: number of the first step that will run, counted from 0.
    """

    def __init__(
        self,
        forward: Callable,
        networks: Mapping[str, nn.Cell],
        optimizer: nn.Optimizer,
        device: Device,
        *,
        scaler: Any = None,
        jit_level: str = "",
        first: int = 0,
    ):
        self._statistics = _moving_statistics(networks)
        self._kept = _flat(self._statistics)
        self._stop = {stop: Tensor(float(stop), ms.float32) for stop in (False, True)}
        options = {"statistics": self._statistics, "kept": self._kept, "first": first}
        step, self._names = _training_graph(forward, optimizer, device, scaler=scaler, **options)
        if device.target == "CPU" and not jit_level:
            self._run = _Graph(step).set_train()
        else:
            self._run = ms.jit(step, jit_level=jit_level) if jit_level else ms.jit(step)
        self._result = None

    def __call__(self, batch: tuple, stop: bool = False) -> None:
        """Start one step on a batch, the tensors in the order of `fields_of(forward)`.

        Args:
            stop: this rank wants to stop; every rank learns of it at the next look.
        """
        arguments = self._stop[stop], *batch
        if self._result is None and isinstance(self._run, nn.Cell):
            self._run.compile(*arguments)
            give_back_free_memory()
        self._result = self._run(*arguments)

    def look(self) -> Outcome:
        """Wait for the last step to end, and read its outcome."""
        report, bad_step, is_ours, ended = self._result
        # The counter changes last. Reading anything else while gradients are computed spins on one
        # core until the end: a step of MidasNet on two cores took 1.4 times as long.
        ended.numpy()
        *terms, _, stop, overflow = (float(value) for value in report.numpy())
        bad_step = int(bad_step.numpy())
        if bad_step >= 0 and self._kept is not None:
            self._restore()
        values = dict(zip(self._names, terms))
        if bad_step >= 0 and overflow > 0:
            values["gradients"] = math.inf
        where = {"bad_step": None if bad_step < 0 else bad_step, "is_ours": bool(is_ours.numpy())}
        return Outcome(values=values, **where, stop=stop > 0, overflow=overflow > 0)

    def _restore(self):
        """Give the moving statistics back what they were before the bad step."""
        kept, start = self._kept.numpy().copy(), 0
        for parameter in self._statistics:
            part = kept[start : start + parameter.size]
            parameter.set_data(Tensor(part.reshape(parameter.shape), parameter.dtype))
            start += parameter.size


class _Graph(nn.Cell):
    """A step as a cell: unlike a function it can be compiled before it runs."""

    def __init__(self, step):
        super().__init__(auto_prefix=False)
        self.step = step

    def construct(self, stop, *batch):
        return self.step(stop, *batch)


def _moving_statistics(networks):
    """Parameters that a forward pass in training changes: BatchNorm's moving mean and variance."""
    cells = [cell for net in networks.values() for _, cell in net.cells_and_names()]
    names = ("moving_mean", "moving_variance")
    found = [getattr(cell, name, None) for cell in cells if cell.training for name in names]
    return tuple(parameter for parameter in found if isinstance(parameter, Parameter))


def _flat(parameters):
    """A Parameter with the values of all of them one after the other; None when there are none."""
    if not parameters:
        return None
    values = np.concatenate([parameter.numpy().ravel() for parameter in parameters])
    return Parameter(Tensor(values), name="kept_statistics", requires_grad=False)


# Primitives in what follows: a function of mindspore.ops that stands both inside and outside of
# what is differentiated ends in a framework error.
def note_names() -> tuple[Callable[[tuple], int], list[str]]:
    """(function that keeps names while a graph compiles, which text cannot leave, their list)."""
    names = []

    @ops.constexpr
    def note(found):
        names[:] = found
        return 1

    return note, names


def _scaled_loss(forward, scaler):
    """(the function that is differentiated, list that gets the terms' names when it compiles)."""
    is_finite, both, cast = ops.IsFinite(), ops.LogicalAnd(), ops.Cast()
    note, names = note_names()

    def differentiated(*batch):
        values = forward(*batch)
        loss = values["loss"]
        good = is_finite(loss)
        if _FINITE in values:
            good = both(good, values[_FINITE])
        found = [name for name in values if name != _FINITE]
        terms = [cast(values[name], ms.float32) for name in found]
        scaled = loss if scaler is None else scaler.scale(loss)
        return scaled, good, tuple(terms), note(tuple(found))

    return differentiated, names


def _training_graph(forward, optimizer, device, *, scaler, statistics, kept, first):
    """(the function that a training step compiles, list that gets the terms' names with it)."""
    both, either, negate = ops.LogicalAnd(), ops.LogicalOr(), ops.LogicalNot()
    assign, cast, concat, stack = ops.Assign(), ops.Cast(), ops.Concat(0), ops.Stack()
    depend, all_reduce, average = ops.Depend(), None, None
    if device.size > 1:
        all_reduce = ops.AllReduce()
        average = nn.DistributedGradReducer(optimizer.parameters, mean=True, degree=device.size)
    count = Parameter(Tensor(first, ms.int32), name="steps_run", requires_grad=False)
    bad_step = Parameter(Tensor(-1, ms.int32), name="bad_step", requires_grad=False)
    is_ours = Parameter(Tensor(0, ms.int32), name="bad_step_is_ours", requires_grad=False)
    differentiated, names = _scaled_loss(forward, scaler)
    gradients_of = ms.value_and_grad(differentiated, None, optimizer.parameters, has_aux=True)

    def step(stop, *batch):
        (_, good, terms, one), gradients = gradients_of(*batch)
        if average is not None:
            gradients = average(gradients)
        overflow = 0 * stop
        if scaler is not None:
            gradients = scaler.unscale(gradients)
            finite = amp.all_finite(gradients)
            overflow = cast(negate(finite), ms.float32)
            good = both(good, either(finite, scaler.scale_value > 1))
        report = stack([*terms, cast(negate(good), ms.float32), stop, overflow])
        if all_reduce is not None:
            # After the gradients, so that the last thing that ranks exchange is small.
            report = all_reduce(depend(report, gradients)) / device.size
        bad, overflowed = report[-3] > 0, report[-1] > 0
        was_good = bad_step < 0
        turned_bad = both(was_good, bad)
        assign(is_ours, ops.where(turned_bad, cast(negate(good), ms.int32), is_ours))
        assign(bad_step, ops.where(turned_bad, count, bad_step))
        still_good = both(was_good, negate(bad))
        if still_good:
            if kept is not None:
                assign(kept, concat(statistics))
            if scaler is not None:
                scaler.adjust(negate(overflowed))
        if both(still_good, negate(overflowed)):
            optimizer(gradients)
        return report, bad_step, is_ours, assign(count, count + one)

    return step, names
