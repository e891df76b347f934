"""The shared loop, run as a program: logs, resume after kills, signals, NaN, mixed precision."""

import csv
import resource
import shutil
import signal
import time

import mindspore as ms
import numpy as np
import pytest

from tests.conftest import REPOSITORY, Program


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny") / "model"
    shutil.copytree(REPOSITORY / "tests/model_utils/tiny", folder)
    shutil.copytree(REPOSITORY / "depthnet/src/model_utils", folder / "src/model_utils")
    (folder / "src/__init__.py").write_text('"""Test."""\n')
    return Program(folder)


@pytest.fixture(scope="module")
def straight(tiny):
    """State and metrics of a run that nothing interrupted."""
    tiny.run("train.py", "--train_url", "straight")
    return tiny.folder / "straight"


def state(folder):
    found = ms.load_checkpoint(str(folder / "state_tiny.ckpt"))
    return {k: v.asnumpy().copy() for k, v in found.items() if hasattr(v, "asnumpy")}


def assert_same_state(folder, expected):
    got, wanted = state(folder), state(expected)
    assert got.keys() == wanted.keys()
    for name, value in wanted.items():
        np.testing.assert_array_equal(got[name], value, err_msg=name)


def rows(folder):
    with (folder / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


def wait_for(process, text, timeout=120):
    """Read lines until one holds `text`; return what was read."""
    end, seen = time.monotonic() + timeout, []
    for line in process.stdout:
        seen.append(line)
        if text in line:
            return seen
        if time.monotonic() > end:
            break
    process.kill()
    raise AssertionError(f"{text!r} never came:\n{''.join(seen)}\n{process.stderr.read()}")


def test_the_loss_falls_and_every_step_is_recorded(straight):
    table = rows(straight)
    assert list(table[0]) == [
        "stage",
        "step",
        "loss",
        "twice",
        "lr",
        "examples_per_s",
        "wait_share",
    ]
    assert [int(row["step"]) for row in table] == list(range(20))
    losses = [float(row["loss"]) for row in table]
    assert np.mean(losses[-6:]) < np.mean(losses[:6])
    np.testing.assert_allclose([float(row["twice"]) for row in table], np.multiply(2, losses))


@pytest.mark.parametrize("kill_step", [0, 5, 13])
def test_sigkill_then_resume_gives_the_same_bits(tiny, straight, kill_step):
    out = f"killed_{kill_step}"
    process = tiny.start("train.py", "--train_url", out, "--wait", 0.05)
    wait_for(process, f"step {kill_step} ")
    process.kill()
    process.communicate()
    printed, _ = tiny.run("train.py", "--train_url", out, "--resume", "auto")
    assert ("resumed tiny at step" in printed) == (kill_step > 4)
    assert_same_state(tiny.folder / out, straight)
    assert [row["loss"] for row in rows(tiny.folder / out)] == [r["loss"] for r in rows(straight)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_says_how_to_go_on(tiny, straight, number):
    out = f"signalled_{number}"
    process = tiny.start("train.py", "--train_url", out, "--wait", 0.05)
    wait_for(process, "step 2 ")
    process.send_signal(number)
    printed, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "stopped by a signal" in printed and "--resume auto" in printed
    printed, _ = tiny.run("train.py", "--train_url", out, "--resume", "auto")
    assert "resumed tiny at step" in printed
    assert_same_state(tiny.folder / out, straight)


def test_resume_of_a_finished_run_changes_nothing(tiny, straight):
    before = (straight / "state_tiny.ckpt").read_bytes()
    printed, _ = tiny.run("train.py", "--train_url", "straight", "--resume", "auto")
    assert "all 20 steps are done" in printed
    assert (straight / "state_tiny.ckpt").read_bytes() == before


def test_resume_with_another_batch_size_is_refused(tiny, straight):
    line = tiny.refuse("train.py", "--train_url", straight, "--resume", "auto", "--batch_size", 3)
    assert "global_batch 2" in line and "has 3" in line


def test_nan_stops_with_step_state_and_files(tiny):
    out, err = tiny.run("train.py", "--train_url", "nan", "--poison_step", 5, status=1)
    lines = [line for line in err.splitlines() if line.startswith("failed: ")]
    assert len(lines) == 1 and "Traceback" not in err
    assert "tiny step 5: not finite: loss nan" in lines[0]
    assert "state_tiny.ckpt after 4 steps" in lines[0]
    assert lines[0].count("row-") == 2
    values = state(tiny.folder / "nan")
    assert all(np.isfinite(value).all() for value in values.values())


def test_a_full_disk_keeps_the_previous_state(tiny, straight):
    """RLIMIT_FSIZE makes the write fail in the middle, as a full disk does."""
    out = tiny.folder / "full"
    tiny.run("train.py", "--train_url", out, "--steps", 4)
    before = (out / "state_tiny.ckpt").read_bytes()
    limit = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))}
    _, err = tiny.run("train.py", "--train_url", out, "--resume", "auto", status=1, **limit)
    assert "cannot save" in err and "Traceback" not in err
    assert (out / "state_tiny.ckpt").read_bytes() == before
    assert not list(out.glob(".*"))
    tiny.run("train.py", "--train_url", out, "--resume", "auto")
    assert_same_state(out, straight)


def test_mixed_precision_trains_and_resumes_with_its_loss_scale(tiny, straight):
    tiny.run("train.py", "--train_url", "o2", "--amp_level", "O2")
    assert state(tiny.folder / "o2").keys() > state(tiny.folder / "straight").keys()
    tiny.run("train.py", "--train_url", "o2b", "--amp_level", "O2", "--steps", 8)
    tiny.run("train.py", "--train_url", "o2b", "--amp_level", "O2", "--resume", "auto")
    assert_same_state(tiny.folder / "o2b", tiny.folder / "o2")
