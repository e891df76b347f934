"""Two CPU workers of the small program: they agree on overflow, on stops, on what is not finite."""

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.model_utils.test_trainer import failure
from tests.scripts.data_parallel import worker
from tests.scripts.launchers import beside_python

pytestmark = pytest.mark.slow

STEPS = 8


class Ranks:
    """Runs the program on two workers; `logs` holds rank_<r>.log."""

    def __init__(self, program, folder):
        self.program, self.folder, self.logs = program, folder, folder / "logs"

    def start(self, *flags):
        """Popen of msrun."""
        self.logs.mkdir(parents=True)
        options = [
            "--worker_num=2",
            "--local_worker_num=2",
            "--join=True",
            "--worker_log_name=rank",
        ]
        command = [beside_python("msrun"), *options, f"--log_dir={self.logs}"]
        command += [f"--master_port={20000 + os.getpid() % 20000}", "train.py"]
        command += ["--run_distribute", "True", "--train_url", self.folder / "out"]
        command += ["--samples", 16, "--steps", STEPS, "--show_digest", "True", *flags]
        python = Path(beside_python("msrun")).parent
        # A rank that waits for the other in vain ends soon.
        own = {"PATH": f"{python}:{os.environ['PATH']}", "MS_CPU_COMM_OP_TIMEOUT": "60"}
        own["LOG_DIR"] = str(self.logs)  # by which `worker` finds them
        return subprocess.Popen(
            list(map(str, command)),
            cwd=self.program.folder,
            env={**os.environ, **own},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def run(self, *flags, status=0):
        """Run to the end; what each rank printed."""
        assert self.start(*flags).wait(timeout=180) == status, self.texts()
        return self.texts()

    def texts(self):
        return [(self.logs / f"rank_{rank}.log").read_text() for rank in range(2)]


@pytest.fixture
def ranks(tiny, tmp_path):
    return Ranks(tiny, tmp_path)


def found(pattern, texts):
    """What a pattern finds in each rank's log."""
    return [re.findall(pattern, text) for text in texts]


def test_an_overflow_that_one_rank_alone_sees_is_everybody_s(ranks):
    """As on a 910A, whose status register each rank reads for itself; gradients stay finite."""
    flags = ["--amp_level", "O2", "--overflow_step", 3, "--overflow_rank", 1]
    first, second = found(r"digest (\d+) loss scale (\S+)", ranks.run(*flags))
    assert first == second and len(first) == 1
    # Halved by each of the forced overflows; real ones at the start may have come before.
    assert 1 <= float(first[0][1]) <= 2.0 ** (16 - (STEPS - 3))


def test_ranks_end_with_equal_weights_and_show_the_mean_of_their_losses(ranks):
    texts = ranks.run("--validate_steps", 4)
    first, second = found(r"digest (\d+)", texts)
    assert first == second and len(first) == 1
    first, second = found(r"loss (\d+\.\d+)  ", texts)
    assert first == second and len(first) == STEPS
    # Each validates its own half of the samples; what is best is decided by their common mean.
    first, second = found(r"validation of tiny after \d steps: loss (\S+)", texts)
    assert first == second and len(first) == 2


def test_a_bad_batch_of_one_rank_stops_all_at_that_step(ranks):
    """The poisoned row belongs to the last rank's share of step 2; only that rank names it."""
    texts = ranks.run("--poison_step", 2, status=1)
    lines = [failure(text) for text in texts]
    assert all("tiny step 2: not finite: loss" in line for line in lines)
    assert ["the batch: row-" in line for line in lines] == [False, True]
    assert ["see another rank's log" in line for line in lines] == [True, False]


def test_a_signal_to_one_rank_stops_all_at_one_step(ranks):
    process = ranks.start("--steps", 4000, "--wait", 0.01, "--host_every", 3)
    log = ranks.logs / "rank_1.log"
    while not log.exists() or "step 3 " not in log.read_text():
        assert process.poll() is None, ranks.texts()
    os.kill(worker(ranks.logs, 1), signal.SIGTERM)
    assert process.wait(timeout=60) == 0, ranks.texts()
    first, second = found(r"stopped by a signal after (\d+) steps", ranks.texts())
    assert first == second and len(first) == 1
