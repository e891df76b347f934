"""A training that one MindSpore saved goes on in another: the oldest and this one, both ways."""

import re
import subprocess
import sys

import mindspore as ms
import pytest

from tests.conftest import REPOSITORY

OLDEST = re.search(r"^oldest=(\S+)", (REPOSITORY / "scripts/run_tests.sh").read_text(), re.M)[1]
RUN = ("train.py", "--show_digest", "True", "--steps")


@pytest.fixture(scope="module")
def oldest_python():
    """Python with the oldest MindSpore that the requirements allow, as run_tests.sh makes it."""
    command = ["bash", "scripts/make_venv.sh", "--mindspore", OLDEST, "requirements-test.txt"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return REPOSITORY / f".venv-mindspore-{OLDEST}" / "bin" / "python"


def run(tiny, python, *flags):
    """What the small program prints under an interpreter."""
    command = [str(python), *RUN, *map(str, flags)]
    done = subprocess.run(command, cwd=tiny.folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def losses(printed):
    return [float(text) for text in re.findall(r"^step \d+ loss (\S+) ", printed, re.MULTILINE)]


@pytest.mark.slow
@pytest.mark.skipif(ms.__version__ == OLDEST, reason="needs two versions, this is the oldest")
@pytest.mark.parametrize("forward", [True, False], ids=["old to new", "new to old"])
def test_a_training_goes_on_in_another_version(tiny, oldest_python, forward):
    """Steps 5 to 9 in the other one, from the same weights, moments and position in the data.

    Their losses differ from the straight run's by rounding alone: the versions sum in other orders.
    """
    pythons = [oldest_python, sys.executable][:: 1 if forward else -1]
    out = f"versions_{forward}"
    straight = losses(run(tiny, pythons[0], 10, "--train_url", f"{out}_straight"))
    run(tiny, pythons[0], 5, "--train_url", out)
    printed = run(tiny, pythons[1], 10, "--train_url", out, "--resume", "auto")
    assert f"resumed tiny at step 5 from {out}/state_tiny.ckpt" in printed
    assert len(straight) == 10 and losses(printed) == pytest.approx(straight[5:], rel=1e-4)


def test_the_requirements_allow_what_the_tests_run():
    """From the oldest to the pinned one."""
    text = (REPOSITORY / "requirements.txt").read_text()
    low, high = re.search(r"^mindspore>=([\d.]+),<([\d.]+)$", text, re.MULTILINE).groups()
    pinned = re.search(r"^version=(\S+)", (REPOSITORY / "scripts/make_venv.sh").read_text(), re.M)[
        1
    ]

    def number(version):
        return [int(part) for part in version.split(".")]

    assert number(low) <= number(OLDEST)[:2] and number(pinned) < number(high)
    assert number(pinned)[1] + 1 == number(high)[1]
