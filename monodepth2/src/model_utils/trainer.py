"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

The training loop: stages, hooks, resume, stop on signals and on a loss that is not finite.
"""

from __future__ import annotations

import shlex
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mindspore import nn

from .checkpoint import load_state, save_state, unique
from .device import Device
from .errors import InputError, RunError
from .files import previous
from .hooks import Hook, Moment, Report
from .step import TrainStep, fields_of
from .stream import SampleStream, readable

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True)
class Stage:
    """A part of a training with its own networks, optimizer and loss.

    Attributes:
        name: in log lines, metrics.csv and state_<name>.ckpt.
        networks: {name: Cell} that the stage changes or keeps in its state; where several hold
            parameters of one name, prefix_names comes first.
        optimizer: trains its own parameters; what it does not hold is frozen.
        forward: function whose parameters are named like fields of a sample; it returns a dict of
            scalars with "loss" (see TrainStep).
        steps: how many.
        scaler: loss scaler for float16.
    """

    name: str
    networks: Mapping[str, nn.Cell]
    optimizer: nn.Optimizer
    forward: Callable[..., dict[str, Any]]
    steps: int
    scaler: Any = None

    def parameters(self) -> list:
        """Everything that a step changes."""
        found = [p for network in self.networks.values() for p in network.get_parameters()]
        found += self.optimizer.get_parameters()
        if self.scaler is not None:
            found += [self.scaler.scale_value, self.scaler.counter]
        # Rates come from the configuration: who resumes with a lower one means it.
        rates = self.optimizer.learning_rate
        rates = {id(rate) for rate in (rates if self.optimizer.is_group_lr else [rates])}
        return list(unique(p for p in found if id(p) not in rates).values())


class Trainer:
    """Runs stages, each from wherever it stopped to its last step.

    Args:
        device: Device; only its rank 0 writes the state.
        folder: gets state_<stage>.ckpt.
        stream: SampleStream; a stage trains on its first `steps` steps.
        resume: auto (the last state in folder, if any), none, or a state file.
        resume_steps: steps between saved states.
        host_every: steps between looks at the device; 0: 1 on CPU, `log_steps` elsewhere.
        log_steps: steps between log lines.
        jit_level: MindSpore's O0 or O1; empty is its own choice.
        workers: parallel loaders; `processes` makes them processes instead of threads.
    """

    def __init__(
        self,
        device: Device,
        folder: str | Path,
        stream: SampleStream,
        *,
        resume: str = "none",
        resume_steps: int = 200,
        host_every: int = 0,
        log_steps: int = 1,
        jit_level: str = "",
        workers: int = 1,
        processes: bool = False,
    ):
        self.device, self.folder, self.stream = device, Path(folder), stream
        self.resume, self.resume_steps, self._signalled = resume, resume_steps, False
        self.host_every = host_every or (1 if device.target == "CPU" else log_steps)
        self.jit_level, self.loaders = jit_level, {"workers": workers, "processes": processes}

    def state_file(self, stage: str) -> Path:
        """Where a stage's state is saved."""
        return self.folder / f"state_{stage}.ckpt"

    def fit(self, stage: Stage, hooks: Sequence[Hook] = ()) -> None:
        """Train a stage up to its last step, or until a signal.

        Raises:
            InputError: the state to resume from is bad or belongs to other data.
            RunError: the loss is not finite; the line names the step, the state, the files.
            SystemExit: code 0 after SIGTERM or SIGINT, with the state saved.
        """
        start = self._resume(stage, hooks)
        if start >= stage.steps:
            print(f"{stage.name}: all {stage.steps} steps are done", flush=True)
            return
        options = {"scaler": stage.scaler, "jit_level": self.jit_level, "first": start}
        step = TrainStep(stage.forward, stage.networks, stage.optimizer, self.device, **options)
        data = self.stream.batches(start, stage.steps, fields_of(stage.forward), **self.loaders)
        clock = _Clock(self.stream.batch_size * self.stream.size, stage.steps)
        handlers: dict[int, Any] = {}
        try:
            for number, batch in enumerate(readable(data), start):
                # After the first batch: MindSpore's loaders install theirs before it.
                handlers = handlers or {n: signal.signal(n, self._on_signal) for n in _SIGNALS}
                clock.batch_is_there()
                step(batch, self._signalled)
                moment = Moment(number, stage.steps, self.stream.steps_per_epoch)
                if self._looks(moment, hooks):
                    outcome = step.look()
                    if outcome.bad_step is not None:
                        self._fail(stage, hooks, moment, outcome)
                    report = clock.report(moment, stage, outcome)
                    for hook in hooks:
                        hook.after_look(report)
                    self._save_or_stop(stage, hooks, moment, outcome.stop)
                clock.step_is_done()
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)

    def _looks(self, moment, hooks):
        # Every hook is asked, and all ranks must come to the same answer.
        wanted = [hook.needs_look(moment) for hook in hooks]
        return any(wanted) or self._saves(moment) or moment.step % self.host_every == 0

    def _saves(self, moment):
        return moment.done % self.resume_steps == 0 or moment.is_last

    def _resume(self, stage, hooks):
        """Restore the state that there is; the number of steps done."""
        file = self.state_file(stage.name) if self.resume == "auto" else Path(self.resume)
        if self.resume == "none" or (self.resume == "auto" and not file.exists()):
            return 0
        try:
            progress = load_state(file, stage.parameters())
        except InputError as err:
            earlier = previous(file)
            hint = f"; go on from the one before it: --resume {earlier}" if earlier.exists() else ""
            raise InputError(f"{err}{hint}") from None
        for key, value in {"stage": stage.name, **self.stream.identity()}.items():
            if progress.get(key) != value:
                other = f"{key} {progress.get(key)}, this run has {value}"
                raise InputError(f"{file} was saved with {other}; make them equal or --resume none")
        for hook in hooks:
            hook.restore(progress.get("hooks", {}).get(hook.name, {}))
        print(f"resumed {stage.name} at step {progress['step']} from {file}", flush=True)
        return progress["step"]

    def _save(self, stage, hooks, done):
        """Save the state after `done` steps (rank 0 only)."""
        if not self.device.is_main:
            return
        file, found = self.state_file(stage.name), stage.parameters()
        # Only the loss is checked in every step: a gradient may be infinite where the loss is not.
        bad = next((p.name for p in found if not np.isfinite(p.numpy()).all()), None)
        if bad:
            text = f"{stage.name}: {bad} is not finite after {done} steps"
            raise RunError(f"{text}; {file} was not written; lower the learning rate")
        progress = {"stage": stage.name, "step": done, **self.stream.identity()}
        progress["hooks"] = {hook.name: hook.state() for hook in hooks if hook.state()}
        save_state(file, found, progress)

    def _save_or_stop(self, stage, hooks, moment, stop):
        if self._saves(moment) or stop:
            self._save(stage, hooks, moment.done)
        if stop and not moment.is_last:
            state = self.state_file(stage.name)
            print(f"stopped by a signal after {moment.done} steps, state in {state}")
            print(f"go on with: {_command_to_resume(sys.argv)}", flush=True)
            raise SystemExit(0)

    def _fail(self, stage, hooks, moment, outcome):
        """RunError, and the state from before it: a step's loss or gradients were not finite."""
        bad = outcome.bad_step
        self._save(stage, hooks, bad)
        terms = ", ".join(f"{name} {value}" for name, value in outcome.values.items())
        terms = terms if bad == moment.step else "loss or gradients"
        text = f"{stage.name} step {bad}: not finite: {terms}"
        state = f"state from before it: {self.state_file(stage.name)} after {bad} steps"
        names = " ".join(self.stream.names(bad)) if outcome.is_ours else "see another rank's log"
        hint = "lower the learning rate or repair the data"
        raise RunError(f"{text}; {state}; the batch: {names}; {hint}")

    def _on_signal(self, _number, _frame):
        self._signalled = True


def _command_to_resume(argv):
    """The command line of a run with --resume auto in place of what it said of it."""
    pairs = zip(["", *argv], argv)
    words = [w for before, w in pairs if "--resume" not in (before, w.partition("=")[0])]
    return shlex.join(["python", *words, "--resume", "auto"])


class _Clock:
    """Times steps: how long they take, and how much of that is waiting for data."""

    def __init__(self, examples, total):
        self.examples, self.total, self.rate = examples, total, None
        self.began = self.mark = time.perf_counter()
        self.waited, self.steps, self.first = 0.0, 0, True

    def batch_is_there(self):
        self.waited += time.perf_counter() - self.mark
        self.steps += 1

    def report(self, moment, stage, outcome):
        """The Report of a look at the steps since the one before."""
        now = time.perf_counter()
        spent, waited = now - self.began, self.waited
        seconds = spent / self.steps
        if not self.first:  # the first one compiles
            self.rate = seconds if self.rate is None else 0.9 * self.rate + 0.1 * seconds
        left = (self.total - moment.done) * (self.rate or seconds)
        self.began, self.waited, self.steps, self.first = now, 0.0, 0, False
        return Report(
            **vars(moment),
            stage=stage.name,
            values=outcome.values,
            seconds=seconds,
            wait_share=waited / spent,
            examples_per_s=self.examples / seconds,
            left=left,
            optimizer=stage.optimizer,
        )

    def step_is_done(self):
        """From now on the next batch is awaited; the time of hooks does not count."""
        self.mark = time.perf_counter()
        if not self.steps:
            self.began = self.mark
