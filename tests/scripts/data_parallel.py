"""Data-parallel runs of the real models on two CPU workers, and what they are compared with."""

import csv
import os
import signal
import time
from pathlib import Path

import mindspore as ms
import numpy as np

from tests.scripts.launchers import Launchers
from tests.scripts.test_supervision import wait_for


class RealLaunchers(Launchers):
    """The launchers on a model folder that was copied out of the repository."""

    def __init__(self, program, logs):
        self.models, self.records, self.logs = program.folder.parent, logs, logs

    def environment(self, **variables):
        """CPU, and a short wait for ranks that hang in an all-reduce without their peer."""
        return super().environment(DEVICE_TARGET="CPU", STOP_GRACE="5", **variables)


def kill_rank(logs, rank, after, seconds=400):
    """SIGKILL a worker of a msrun run once its log holds the text `after`."""
    log = logs / f"rank_{rank}.log"
    wait_for(log, seconds=seconds)
    end = time.monotonic() + seconds
    while after not in log.read_text(errors="replace"):
        assert time.monotonic() < end, f"{after!r} did not appear:\n{log.read_text()}"
        time.sleep(0.05)
    os.kill(worker(logs, rank), signal.SIGKILL)


def worker(logs, rank):
    """Process number of a rank of the run that writes to the folder `logs`."""
    wanted = {f"RANK_ID={rank}", f"LOG_DIR={logs}", "MS_ROLE=MS_WORKER"}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environ = set((folder / "environ").read_text(errors="replace").split("\0"))
            command = (folder / "cmdline").read_text(errors="replace")
        except OSError:
            continue
        if wanted <= environ and "train.py" in command:
            return int(folder.name)
    raise AssertionError(f"no worker of rank {rank}")


def weights(path):
    """A checkpoint as {name: float64 array}."""
    return {k: v.asnumpy().astype(np.float64) for k, v in ms.load_checkpoint(str(path)).items()}


def largest_difference(path, other):
    """Largest difference of two checkpoints over all parameters, which must have equal names."""
    first, second = weights(path), weights(other)
    assert first.keys() == second.keys()
    return max(np.abs(first[key] - second[key]).max() for key in first)


def losses(folder):
    """(stage, step, loss) of each row of a metrics.csv."""
    with (folder / "metrics.csv").open(newline="") as file:
        return [
            (row["stage"], int(row["step"]), float(row["loss"])) for row in csv.DictReader(file)
        ]
