"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

What a training run does besides its updates: log lines, metrics.csv, checkpoints (validation.py has
more). Each is a hook; a run calls its hooks in their order after every look at the device.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mindspore as ms
import numpy as np
from mindspore import nn

from .checkpoint import save_networks
from .device import Device
from .files import keep_newest
from .record import Record


@dataclass(frozen=True)
class Moment:
    """A step that has just run: its number counted from 0, and how many there will be."""

    step: int
    total: int
    steps_per_epoch: int

    @property
    def done(self) -> int:
        """Steps done."""
        return self.step + 1

    @property
    def is_last(self) -> bool:
        """Whether it ended the stage."""
        return self.done == self.total

    @property
    def ends_epoch(self) -> bool:
        """Whether it ended an epoch."""
        return self.done % self.steps_per_epoch == 0


@dataclass(frozen=True)
class Report(Moment):
    """What a look at the device told after a step.

    Attributes:
        stage: name of the stage.
        values: loss and terms of the step, means over the ranks; hooks may add to them.
        seconds: per step since the last look.
        wait_share: share of them spent waiting for data.
        examples_per_s: of all ranks together.
        left: seconds that the rest of the stage will take.
        optimizer: the stage's.
        images: {name: (B, ...) array}, what a validation leaves for panels.
    """

    stage: str
    values: dict[str, float]
    seconds: float
    wait_share: float
    examples_per_s: float
    left: float
    optimizer: nn.Optimizer
    images: dict[str, np.ndarray] = field(default_factory=dict)

    def progress(self) -> str:
        """Speed, share done, time left."""
        clock = f"{int(self.left // 3600)}:{int(self.left // 60 % 60):02}:{int(self.left % 60):02}"
        share = 100 * self.done / self.total
        return f"({self.examples_per_s:.3g} examples/s, {share:.1f} %, {clock} left)"


class Hook:
    """Something done besides the updates; a subclass overrides what it needs.

    Attributes:
        name: key of its state in the resume state; hooks of one training have different names.
    """

    name = ""

    def needs_look(self, moment: Moment) -> bool:
        """Whether the host must look at the device after this step, the same on every rank."""
        return False

    def after_look(self, report: Report) -> None:
        """Called after every look, also those that another hook asked for."""

    def state(self) -> dict[str, Any]:
        """What must survive a stop, in types of JSON; empty when there is nothing."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore what `state` returned."""


def learning_rates(optimizer: nn.Optimizer) -> list[float]:
    """The rates, in rising order, that the optimizer's last update took; its groups may differ.

    A schedule counts updates: a step that a float16 overflow skips does not move it.
    """
    rates = optimizer.learning_rate
    rates = list(rates) if optimizer.is_group_lr else [rates]
    updates = int(optimizer.global_step.numpy()[0])
    number = ms.Tensor(max(updates - 1, 0), ms.int32)
    values = [rate(number) if isinstance(rate, nn.Cell) else rate for rate in rates]
    # The shortest number that is this float32: 0.0001 and not 0.00009999999747.
    return sorted({float(str(value.numpy())) for value in values})


class LogLine(Hook):
    """The original program's log line and progress; on a terminal also one live line.

    Args:
        form: Report -> the line.
        every: steps between lines; the last step always has one.
    """

    def __init__(self, form: Callable[[Report], str], every: int):
        self.form, self.every = form, every

    def needs_look(self, moment: Moment) -> bool:
        return moment.step % self.every == 0 or moment.is_last

    def after_look(self, report: Report) -> None:
        if sys.stdout.isatty():
            loss = f"step {report.step} loss {report.values['loss']:.4g}"
            print(f"\r\033[K{report.stage} {loss} {report.progress()}", end="\r", flush=True)
        if self.needs_look(report):
            print(f"{self.form(report)}  {report.progress()}", flush=True)


class EpochLine(Hook):
    """Lines at each epoch's end, as MindSpore's LossMonitor and TimeMonitor print them.

    Args:
        form: Report -> the log line.
        log: the LogLine of the run, which may have printed the same step.
    """

    def __init__(self, form: Callable[[Report], str], log: LogLine):
        self.form, self.log, self.began, self.first = form, log, time.perf_counter(), None

    def needs_look(self, moment: Moment) -> bool:
        self.first = moment.step if self.first is None else self.first
        return moment.ends_epoch

    def after_look(self, report: Report) -> None:
        if not report.ends_epoch:
            return
        if not self.log.needs_look(report):
            print(self.form(report))
        now = time.perf_counter()
        spent, count = 1000 * (now - self.began), report.done - self.first
        print(f"epoch time: {spent:.3f} ms, per step time: {spent / count:.3f} ms", flush=True)
        self.began, self.first = now, report.done


class Csv(Hook):
    """A row of metrics.csv at every log step, and wherever another hook added a value.

    Columns: stage, step, loss, its terms, lr (with several parameter groups the largest rate, and
    lr_min the smallest), examples_per_s, wait_share.

    Args:
        path: the CSV.
        every: steps between rows.
        device: only its rank 0 writes.
    """

    def __init__(self, path: str | Path, every: int, device: Device):
        self.path, self.every, self.device, self.record = path, every, device, None

    def needs_look(self, moment: Moment) -> bool:
        return moment.step % self.every == 0 or moment.is_last

    def after_look(self, report: Report) -> None:
        if self.record is None:
            self.record = Record(self.path, report.stage, report.step, self.device.is_main)
        if not (self.needs_look(report) or any(name.startswith("val_") for name in report.values)):
            return
        rates = learning_rates(report.optimizer)
        rates = {"lr": rates[-1], **({"lr_min": rates[0]} if len(rates) > 1 else {})}
        speed = {"examples_per_s": report.examples_per_s, "wait_share": round(report.wait_share, 4)}
        self.record.add(step=report.step, **report.values, **rates, **speed)


class Checkpoints(Hook):
    """Saves networks at certain steps.

    Args:
        networks: {name: Cell}.
        due: Moment -> whether to save after that step.
        path: Moment -> file (.ckpt) or folder.
        pattern: the names among which the oldest are removed.
        keep: how many; 0 keeps all.
        record: what goes into the file besides the step.
        active: False writes nothing (ranks whose files would be the same).
    """

    def __init__(
        self,
        networks: Mapping[str, nn.Cell],
        *,
        due: Callable[[Moment], bool],
        path: Callable[[Moment], Path],
        pattern: str,
        keep: int,
        record: Mapping[str, Any] | None = None,
        active: bool = True,
    ):
        self.networks, self.due, self.path = networks, due, path
        self.pattern, self.keep, self.record = pattern, keep, dict(record or {})
        self.active = active

    def needs_look(self, moment: Moment) -> bool:
        return self.due(moment)

    def after_look(self, report: Report) -> None:
        if self.active and self.due(report):
            path = self.path(report)
            save_networks(self.networks, path, {**self.record, "step": report.done})
            keep_newest(path.parent, self.pattern, self.keep)
