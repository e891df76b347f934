"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Hooks that validate while a training runs: losses over held-out samples, the best model, panels;
and the compiled step without gradients that they need.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import mindspore as ms
import numpy as np
from mindspore import nn

from .checkpoint import save_networks
from .device import Device
from .hooks import Hook, Moment, Report
from .images import write_png
from .step import fields_of, note_names
from .stream import SampleStream, readable


class EvalStep:
    """A compiled step without gradients, for validation and panels.

    Args:
        forward: function whose parameters are named like fields of a sample, batch tensors ->
            dict of scalars (losses, metrics) and of maps (B, ...), for panels.
        networks: {name: Cell} that it uses; they are in evaluation mode while it runs.
        jit_level: MindSpore's O0 or O1; empty is its own choice.
    """

    def __init__(self, forward: Callable, networks: Mapping[str, nn.Cell], jit_level: str = ""):
        self.fields = fields_of(forward)
        self._cells = [cell for net in networks.values() for _, cell in net.cells_and_names()]
        note, self._names = note_names()

        def run(*batch):
            # A dict that leaves a graph makes MindSpore run it piece by piece.
            values = forward(*batch)
            return note(tuple(values)), tuple(values.values())

        self._run = ms.jit(run, jit_level=jit_level) if jit_level else ms.jit(run)

    def __call__(self, batch: tuple) -> tuple[dict[str, float], dict[str, np.ndarray]]:
        """({name: scalar}, {name: array of a map}) of a batch, in the order of `fields`."""
        modes = [cell.training for cell in self._cells]
        for cell in self._cells:
            cell.training = False
        try:
            values = self._run(*batch)[1]
            found = {name: value.numpy() for name, value in zip(self._names, values)}
        finally:
            for cell, mode in zip(self._cells, modes):
                cell.training = mode
        scalars = {name: float(value) for name, value in found.items() if value.ndim == 0}
        return scalars, {name: value for name, value in found.items() if value.ndim}


class Validation(Hook):
    """Means of losses over the validation samples, on all ranks' shares; added as val_<name>.

    Args:
        step: EvalStep.
        stream: the samples, not shuffled; a last, incomplete batch is left out.
        due: Moment -> whether to validate after that step.
        device: Device.
        workers: parallel loaders.
    """

    def __init__(
        self,
        step: EvalStep,
        stream: SampleStream,
        *,
        due: Callable[[Moment], bool],
        device: Device,
        workers: int = 1,
    ):
        self.step, self.stream, self.due = step, stream, due
        self.device, self.workers = device, workers

    def needs_look(self, moment: Moment) -> bool:
        return self.due(moment)

    def after_look(self, report: Report) -> None:
        if not self.due(report):
            return
        steps, found = self.stream.steps_per_epoch, []
        data = self.stream.batches(0, steps, self.step.fields, workers=self.workers)
        for batch in readable(data):
            scalars, images = self.step(batch)
            found.append(scalars)
            if not report.images:
                report.images.update(images)
        names = list(found[0])
        means = self.device.mean([float(np.mean([row[name] for row in found])) for name in names])
        report.values.update({f"val_{name}": mean for name, mean in zip(names, means)})
        text = ", ".join(f"{name} {mean:.6g}" for name, mean in zip(names, means))
        print(f"validation of {report.stage} after {report.done} steps: {text}", flush=True)


class BestModel(Hook):
    """Keeps the networks with the lowest value of a validation.

    Place it after Validation in the list of hooks.

    Args:
        networks: {name: Cell}.
        path: file (.ckpt) or folder.
        term: the value, such as val_loss.
        device: only its rank 0 writes.
        record: what goes into the file besides the step and the value.
    """

    name = "best"

    def __init__(
        self,
        networks: Mapping[str, nn.Cell],
        path: str | Path,
        *,
        device: Device,
        term: str = "val_loss",
        record: Mapping[str, Any] | None = None,
    ):
        self.networks, self.path, self.term = networks, Path(path), term
        self.device, self.record, self.best = device, dict(record or {}), math.inf

    def after_look(self, report: Report) -> None:
        value = report.values.get(self.term, math.inf)
        if not value < self.best:
            return
        self.best = value
        if self.device.is_main:
            record = {**self.record, "step": report.done, self.term: value}
            save_networks(self.networks, self.path, record)
        print(f"best {self.term} so far: {value:.6g}, saved in {self.path}", flush=True)

    def state(self) -> dict[str, Any]:
        return {"value": self.best} if math.isfinite(self.best) else {}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.best = state.get("value", math.inf)


class Panels(Hook):
    """Writes images of a validation's first samples.

    Place it after Validation in the list of hooks.

    Args:
        folder: gets <stage>_<step>_<number>.png.
        draw: {name: array of one sample} -> (H, W, 3) uint8 RGB.
        count: images per validation.
        device: only its rank 0 writes.
    """

    def __init__(
        self,
        folder: str | Path,
        draw: Callable[[dict[str, np.ndarray]], np.ndarray],
        count: int,
        device: Device,
    ):
        self.folder, self.draw, self.count, self.device = Path(folder), draw, count, device

    def after_look(self, report: Report) -> None:
        if not report.images or not self.device.is_main:
            return
        for number in range(min(self.count, len(next(iter(report.images.values()))))):
            sample = {name: values[number] for name, values in report.images.items()}
            path = self.folder / f"{report.stage}_{report.done:07}_{number}.png"
            write_png(path, self.draw(sample))
