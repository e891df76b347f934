"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

The training loop: log, metrics.csv, resume state, stop on signals and on a loss that is not finite.
"""

import math
import re
import shlex
import signal
import sys
import time
from pathlib import Path

from .checkpoint import load_state, save_state
from .config import InputError, RunError
from .record import Record

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Trainer:
    """The loop of one training stage, from wherever it stopped to its last step.

    Args:
        config: namespace with resume (auto, none or a state file), log_steps, resume_steps,
            num_parallel_workers and worker_processes.
        device: Device; only its rank 0 writes files.
        folder: gets state_<stage>.ckpt and metrics.csv.
        stage: name of the stage.
        stream: SampleStream; its first `total_steps` steps are trained on.
        parameters: everything that a step changes (network, optimizer, loss scaler).
        terms: names of the loss terms that the step returns behind the loss.
    Raises:
        InputError: the state to resume from is bad or belongs to other data.
    """

    def __init__(self, config, device, folder, stage, stream, total_steps, parameters, terms=()):
        self.config, self.device, self.stage, self.stream = config, device, stage, stream
        self.folder, self.total_steps, self.terms = Path(folder), total_steps, terms
        self.parameters = list(parameters)
        self.state_file = self.folder / f"state_{stage}.ckpt"
        self.start = self._saved = self._resume()
        self._signalled, self._rate = False, None

    def _resume(self):
        choice = self.config.resume
        if choice == "none" or (choice == "auto" and not self.state_file.exists()):
            return 0
        file = self.state_file if choice == "auto" else Path(choice)
        progress = load_state(file, self.parameters)
        for key, value in {"stage": self.stage, **self.stream.identity()}.items():
            if progress.get(key) != value:
                other = f"{key} {progress.get(key)}, this run has {value}"
                raise InputError(f"{file} was saved with {other}; make them equal or --resume none")
        print(f"resumed {self.stage} at step {progress['step']} from {file}", flush=True)
        return progress["step"]

    def fit(self, train_step, columns, line, learning_rate, after_step=None):
        """Train up to the last step, or until a signal.

        Args:
            train_step: from make_train_step.
            columns: names of the arrays that the stream's samples consist of.
            line: (step, values, seconds) -> the original program's log line.
            learning_rate: step -> learning rate, for metrics.csv.
            after_step: steps done -> None, called after each step (checkpoints, validation).
        Raises:
            RunError: the loss is not finite; the line names the step, the state, the files.
            SystemExit: code 0 after SIGTERM or SIGINT, with the state saved.
        """
        if self.start >= self.total_steps:
            print(f"{self.stage}: all {self.total_steps} steps are done", flush=True)
            return
        config = self.config
        record = Record(self.folder / "metrics.csv", self.stage, self.start, self.device.is_main)
        workers = {"workers": config.num_parallel_workers, "processes": config.worker_processes}
        data = self.stream.batches(self.start, self.total_steps, columns, **workers)
        batches = _readable(data.create_tuple_iterator(num_epochs=1))
        previous = {}
        try:
            began = time.perf_counter()
            for step, batch in enumerate(batches, self.start):
                if not previous:  # behind the first batch: MindSpore's loaders set theirs there
                    previous = {s: signal.signal(s, self._on_signal) for s in _SIGNALS}
                waited = time.perf_counter() - began
                values = [float(value.asnumpy()) for value in train_step(*batch)]
                # All ranks stop at the same step: one that leaves early makes the others fail.
                *values, stop = self.device.mean([*values, float(self._signalled)])
                self._check_finite(step, values)
                seconds = time.perf_counter() - began
                began = time.perf_counter()
                progress = self._progress(step, seconds)
                if step % config.log_steps == 0 or step + 1 == self.total_steps:
                    print(f"{line(step, values, seconds)}  {progress}", flush=True)
                    row = dict(zip(("loss", *self.terms), values))
                    rate = {"lr": learning_rate(step), "examples_per_s": self._examples(seconds)}
                    record.add(step=step, **row, **rate, wait_share=round(waited / seconds, 4))
                self._after(step + 1, stop > 0, after_step)
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _after(self, done, stop, after_step):
        if done % self.config.resume_steps == 0 or done == self.total_steps or stop:
            self.save(done)
        if after_step:
            after_step(done)
        if stop and done < self.total_steps:
            command = shlex.join(["python", *sys.argv])
            print(f"stopped by a signal after {done} steps, state in {self.state_file}")
            print(f"go on with: {command} --resume auto", flush=True)
            raise SystemExit(0)

    def save(self, done):
        """Save the state after `done` steps (rank 0 only)."""
        if self.device.is_main:
            progress = {"stage": self.stage, "step": done, **self.stream.identity()}
            save_state(self.state_file, self.parameters, progress)
        self._saved = done

    def _check_finite(self, step, values):
        if all(map(math.isfinite, values)):
            return
        good = f"{self.state_file} after {self._saved} steps" if self._saved else "none yet"
        terms = ", ".join(f"{n} {v}" for n, v in zip(("loss", *self.terms), values))
        files = " ".join(self.stream.names(step))
        message = f"{self.stage} step {step}: not finite: {terms}; last good state: {good}"
        raise RunError(f"{message}; the batch: {files}; lower the learning rate or mend the data")

    def _examples(self, seconds):
        return self.stream.batch_size * self.stream.size / seconds

    def _progress(self, step, seconds):
        """Examples/s, share done and time left; the first step, which compiles, does not count."""
        if step > self.start:
            self._rate = seconds if self._rate is None else 0.9 * self._rate + 0.1 * seconds
        left = (self.total_steps - step - 1) * (self._rate or seconds)
        clock = f"{int(left // 3600)}:{int(left // 60 % 60):02}:{int(left % 60):02}"
        share = 100 * (step + 1) / self.total_steps
        text = f"({self._examples(seconds):.3g} examples/s, {share:.1f} %, {clock} left)"
        if sys.stdout.isatty():
            print(f"\r{self.stage} step {step} {text}", end="\r", flush=True)
        return text

    def _on_signal(self, _number, _frame):
        self._signalled = True


def _readable(batches):
    """The batches; a loader's InputError, which MindSpore buries in its own, comes out again."""
    try:
        yield from batches
    except RuntimeError as err:
        found = re.findall(r"InputError: (.+)", str(err))
        if not found:
            raise
        raise InputError(found[-1]) from None  # several loaders nest it
