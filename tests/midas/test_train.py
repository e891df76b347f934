"""train.py as users run it: log lines, checkpoints, exact resume, clear ends."""

import csv
import re
import shutil
import signal

import cv2
import numpy as np
import pytest

from midas.src.model_utils.checkpoint import read_parameters, save_networks
from midas.src.model_utils.config import load_config
from tests.conftest import REPOSITORY
from tests.midas.small import SMALL, small_network

FAST = [*SMALL, "--img_width", 64, "--img_height", 64, "--device_target", "CPU", "--batch_size", 2]


@pytest.fixture(scope="module")
def straight(program, midas_data, tmp_path_factory):
    """(train_url, printed lines) of three epochs of four steps, without a break."""
    url = tmp_path_factory.mktemp("straight")
    flags = ["--train_data_dir", midas_data, "--train_url", url, "--epoch_size", 3]
    out, _ = program("midas").run("train.py", *FAST, *flags, "--log_steps", 3, "--lr_decay")
    return url, out


@pytest.mark.slow
def test_log_lines_are_the_original_ones(straight):
    _, out = straight
    assert "Starting Training:per_step_size=4,batchsize=2,epoch=3\n" in out
    number = r"\d+(\.\d+)?(e[+-]\d+)?"
    for epoch in (1, 2, 3):
        assert re.search(rf"^epoch: {epoch} step: 4, loss is {number}(  \(|$)", out, re.M), out
    times = r"^epoch time: \d+\.\d{3} ms, per step time: \d+\.\d{3} ms$"
    assert len(re.findall(times, out, re.M)) == 3
    assert len(re.findall(r"examples/s, .* left\)$", out, re.M)) == 5  # steps 0, 3, 6, 9, 11


@pytest.mark.slow
def test_files_of_a_run(straight):
    url, _ = straight
    names = sorted(path.name for path in (url / "ckpt").iterdir())
    assert names == ["Midas_0-3_4.ckpt", "config.yaml"]
    saved = ["--config_path", str(url / "ckpt" / "config.yaml")]
    assert load_config(REPOSITORY / "midas" / "config.yaml", saved).epoch_size == 3
    with (url / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["0", "3", "6", "9", "11"]
    assert float(rows[0]["lr"]) == 1e-4 and float(rows[-1]["lr"]) < 3e-5
    assert cv2.imread(str(url / "curves.png")) is not None


def interrupt(program, flags, pattern, number):
    """Start a run, send it a signal at a line, return (exit status, everything printed)."""
    process = program("midas").start("train.py", *flags)
    lines = []
    for line in process.stdout:
        lines.append(line)
        if re.search(pattern, line):
            process.send_signal(number)
    return process.wait(timeout=300), "".join(lines) + process.stderr.read()


@pytest.mark.slow
def test_a_run_that_is_stopped_and_killed_ends_where_an_unbroken_one_does(
    program, straight, midas_data, tmp_path
):
    """SIGTERM, resume, SIGKILL, resume: the same weights, bit for bit."""
    flags = [*FAST, "--train_data_dir", midas_data, "--train_url", tmp_path, "--epoch_size", 3]
    flags += ["--lr_decay", "--log_steps", 1, "--resume", "auto", "--resume_steps", 2]
    status, out = interrupt(program, flags, "^epoch: 1 step: 2", signal.SIGTERM)
    assert status == 0 and "stopped by" in out and "--resume auto" in out, out
    status, out = interrupt(program, flags, "^epoch: 2 step: 3", signal.SIGKILL)
    assert status == -signal.SIGKILL and "resumed midas at step " in out, out
    out, _ = program("midas").run("train.py", *flags)
    assert re.search("resumed midas at step [678] ", out)
    got, expected = (
        read_parameters(url / "ckpt" / "Midas_0-3_4.ckpt") for url in (tmp_path, straight[0])
    )
    assert list(got) == list(expected)
    for name, value in expected.items():
        np.testing.assert_array_equal(got[name].asnumpy(), value.asnumpy(), err_msg=name)
    with (tmp_path / "metrics.csv").open() as file:
        assert [row["step"] for row in csv.DictReader(file)] == [str(step) for step in range(12)]


@pytest.mark.slow
def test_a_loss_that_is_not_finite_ends_the_run(program, midas_data, tmp_path):
    flags = ["--train_data_dir", midas_data, "--train_url", tmp_path, "--loss_alpha", 3e38]
    _, err = program("midas").run("train.py", *FAST, *flags, status=1)
    (line,) = (line for line in err.splitlines() if line.startswith("failed: "))
    assert "not finite: loss " in line and "Imgs/synthetic_" in line and "Traceback" not in err
    assert not list((tmp_path / "ckpt").glob("*.ckpt"))


@pytest.mark.slow
def test_a_prediction_that_is_not_finite_ends_the_run(program, midas_data, tmp_path):
    """Finite weights whose product is not: one line, and no checkpoint of them."""
    network = small_network()
    for number, name, value in ((2, "bias", 10), (4, "weight", 3e38)):
        parameter = getattr(network.scratch.output_conv[number], name)
        parameter.set_data(parameter.value() * 0 + value)
    save_networks({"midas": network}, tmp_path / "broken.ckpt")
    flags = ["--train_data_dir", midas_data, "--train_url", tmp_path]
    flags += ["--model_weights", tmp_path / "broken.ckpt"]
    _, err = program("midas").run("train.py", *FAST, *flags, status=1)
    (line,) = (line for line in err.splitlines() if line.startswith("failed: "))
    assert "midas step 0: not finite" in line and "Traceback" not in err
    assert not list((tmp_path / "ckpt").glob("*.ckpt"))


MOXING = '''"""A stand-in for ModelArts: a URL bucket:NAME is the folder NAME of $BUCKET."""
import os, shutil


class file:
    @staticmethod
    def copy_parallel(src_url, dst_url):
        bucket = os.environ["BUCKET"] + "/"
        source, target = (path.replace("bucket:", bucket) for path in (src_url, dst_url))
        shutil.copytree(source, target, dirs_exist_ok=True)
'''


@pytest.mark.slow
def test_modelarts_copies_data_in_and_results_out(program, midas_data, tmp_path, monkeypatch):
    bucket, modules = tmp_path / "bucket", tmp_path / "modules"
    shutil.copytree(midas_data, bucket / "data")
    modules.mkdir()
    (modules / "moxing.py").write_text(MOXING)
    save_networks({"midas": small_network()}, bucket / "data" / "midas_resnext_101_WSL.ckpt")
    flags = ["--is_modelarts", "--data_url", "bucket:data", "--train_url", "bucket:out"]
    flags += ["--modelarts_data", tmp_path / "cache/data", "--epoch_size", 1]
    flags += ["--modelarts_output", tmp_path / "cache/output"]
    monkeypatch.setenv("BUCKET", str(bucket))
    monkeypatch.setenv("PYTHONPATH", str(modules))
    out, _ = program("midas").run("train.py", *FAST, *flags)
    assert "midas_resnext_101_WSL.ckpt: all parameters" in out
    found = sorted(str(path.relative_to(bucket / "out")) for path in bucket.glob("out/**/*.*"))
    expected = ["ckpt/Midas_0-1_4.ckpt", "ckpt/config.yaml", "curves.png", "metrics.csv"]
    assert found == [*expected, "state_midas.ckpt"]


def test_mistakes_are_one_line(warm_midas, midas_data, tmp_path):
    def refuse(*flags):
        return warm_midas.refuse("train.py", *FAST, "--train_url", tmp_path, *flags)

    assert "make_mixdata.py writes it" in refuse("--train_data_dir", tmp_path)
    data = ["--train_data_dir", midas_data]
    assert "none.ckpt does not exist" in refuse(*data, "--model_weights", tmp_path / "none.ckpt")
    assert "moxing" in refuse(*data, "--is_modelarts")


@pytest.mark.slow
def test_training_learns(program, midas_data, tmp_path):
    """Fifteen times over eight images the paper's loss falls to less than two thirds."""
    flags = ["--train_data_dir", midas_data, "--train_url", tmp_path, "--loss", "ssimae_trimmed"]
    flags += ["--epoch_size", 15, "--flip_probability", 0, "--log_steps", 1]
    rates = ["--no_backbone_params_lr", 0.001, "--backbone_params_lr", 0.0003]
    program("midas").run("train.py", *FAST, *flags, *rates, "--batch_size", 4)
    with (tmp_path / "metrics.csv").open() as file:
        losses = [float(row["loss"]) for row in csv.DictReader(file)]
    assert len(losses) == 30 and np.mean(losses[-4:]) < 0.67 * np.mean(losses[:4])


@pytest.mark.slow
@pytest.mark.parametrize("level", ["O2", "O3"])
def test_float16_training_learns_and_resumes(level, program, midas_data, tmp_path):
    """Steps that overflow lower the loss scale and are skipped; the state keeps the scale."""
    flags = [*FAST, "--train_data_dir", midas_data, "--train_url", tmp_path, "--log_steps", 1]
    flags += ["--no_backbone_params_lr", 0.001, "--backbone_params_lr", 0.0003]
    flags += ["--flip_probability", 0, "--amp_level", level, "--resume", "auto"]
    scales = []
    for epochs in (1, 12):
        out, _ = program("midas").run("train.py", *flags, "--epoch_size", epochs)
        state = read_parameters(tmp_path / "state_midas.ckpt")
        scales += [float(p.asnumpy()) for name, p in state.items() if "scale_value" in name]
    assert "resumed midas at step 4" in out
    first, last = scales
    assert 2**16 > first > last >= 1
    with (tmp_path / "metrics.csv").open() as file:
        losses = [float(row["loss"]) for row in csv.DictReader(file)]
    assert len(losses) == 48 and np.mean(losses[-8:]) < 0.5 * np.mean(losses[:4])
