"""Checkpoints: atomic, checked on load, the newest kept."""

import os
import signal
import subprocess
import sys

import mindspore as ms
import numpy as np
import pytest
from mindspore import nn

from depthnet.src.model_utils import checkpoint
from depthnet.src.model_utils.errors import InputError, RunError
from tests.conftest import REPOSITORY


def values(net):
    return {p.name: p.asnumpy().copy() for p in net.get_parameters()}


def test_what_was_saved_is_loaded(tmp_path):
    net, other = nn.Dense(3, 2), nn.Dense(3, 2)
    checkpoint.save_parameters(net.get_parameters(), tmp_path / "a" / "net.ckpt")
    assert checkpoint.load_parameters(other, tmp_path / "a" / "net.ckpt") == []
    for name, value in values(net).items():
        np.testing.assert_array_equal(values(other)[name], value)
    assert os.listdir(tmp_path / "a") == ["net.ckpt"]


def test_state_holds_optimizer_and_progress(tmp_path):
    net = nn.Dense(3, 2)
    optimizer = nn.Adam(net.trainable_params(), 0.1)
    optimizer((ms.Tensor(np.ones((2, 3), np.float32)), ms.Tensor(np.ones(2, np.float32))))
    parameters = [*net.get_parameters(), *optimizer.get_parameters()]
    checkpoint.save_state(tmp_path / "s.ckpt", parameters, {"step": 7, "stage": "x"})
    fresh = nn.Dense(3, 2)
    again = nn.Adam(fresh.trainable_params(), 0.1)
    state = [*fresh.get_parameters(), *again.get_parameters()]
    assert checkpoint.load_state(tmp_path / "s.ckpt", state) == {"step": 7, "stage": "x"}
    for old, new in zip(parameters, state):
        np.testing.assert_array_equal(new.asnumpy(), old.asnumpy(), err_msg=old.name)


def test_float16_weights_load_into_a_float32_network(tmp_path):
    net = nn.Dense(3, 2)
    half = [ms.Parameter(p.astype(ms.float16), name=p.name) for p in net.get_parameters()]
    checkpoint.save_parameters(half, tmp_path / "half.ckpt")
    checkpoint.load_parameters(net, tmp_path / "half.ckpt")
    assert all(p.dtype == ms.float32 for p in net.get_parameters())


def save_other(path, *shapes):
    named = [
        ms.Parameter(np.ones(shape, np.float32), name=name)
        for name, shape in zip(("weight", "bias"), shapes)
    ]
    checkpoint.save_parameters(named, path)


def truncate(path):
    checkpoint.save_parameters(nn.Dense(300, 20).get_parameters(), path)
    path.write_bytes(path.read_bytes()[:-1000])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "does not exist"),
        (
            lambda path: path.write_bytes(b""),
            "truncated or not a MindSpore checkpoint|another model",
        ),
        (lambda path: path.write_bytes(os.urandom(500)), "truncated or not a MindSpore"),
        (truncate, "truncated or not a MindSpore|wrong shape"),
        (lambda path: path.mkdir(), "does not exist"),
        (lambda path: save_other(path, (2, 3)), "1 missing: bias"),
        (lambda path: save_other(path, (2, 4), (2,)), r"1 wrong shape: weight \(2, 4\), expected"),
    ],
)
def test_bad_files_are_refused_and_change_nothing(tmp_path, make, message):
    net = nn.Dense(3, 2)
    before = values(net)
    make(tmp_path / "bad.ckpt")
    with pytest.raises(InputError, match=message):
        checkpoint.load_parameters(net, tmp_path / "bad.ckpt")
    for name, value in before.items():
        np.testing.assert_array_equal(values(net)[name], value)


def test_weights_are_no_state(tmp_path):
    net = nn.Dense(3, 2)
    checkpoint.save_parameters(net.get_parameters(), tmp_path / "net.ckpt")
    with pytest.raises(InputError, match="weights only"):
        checkpoint.load_state(tmp_path / "net.ckpt", net.get_parameters())


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "net.ckpt"
    checkpoint.save_parameters(nn.Dense(3, 2).get_parameters(), path)
    before = path.read_bytes()

    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint.os, "fsync", fail)
    with pytest.raises(RunError, match="No space left"):
        checkpoint.save_parameters(nn.Dense(3, 2).get_parameters(), path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["net.ckpt"]


KILLED_WHILE_SAVING = """
import os, signal, sys
from mindspore import nn
from depthnet.src.model_utils import checkpoint
checkpoint.os.fsync = lambda fd: os.kill(os.getpid(), signal.SIGKILL)
checkpoint.save_parameters(nn.Dense(3, 2).get_parameters(), sys.argv[1])
"""


def test_a_kill_during_a_save_leaves_the_old_file_and_the_next_save_tidies_up(tmp_path):
    path = tmp_path / "net.ckpt"
    checkpoint.save_parameters(nn.Dense(3, 2).get_parameters(), path)
    before = path.read_bytes()
    command = [sys.executable, "-c", KILLED_WHILE_SAVING, str(path)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True)
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes() == before
    checkpoint.load_parameters(nn.Dense(3, 2), path)
    assert len(os.listdir(tmp_path)) == 2
    checkpoint.save_parameters(nn.Dense(3, 2).get_parameters(), path)
    assert os.listdir(tmp_path) == ["net.ckpt"]


def test_only_the_newest_are_kept(tmp_path):
    for number in range(5):
        (tmp_path / f"Net_{number}.ckpt").touch()
        os.utime(tmp_path / f"Net_{number}.ckpt", (number, number))
    (tmp_path / "Final.ckpt").touch()
    checkpoint.keep_newest(tmp_path, "Net_*.ckpt", 2)
    assert sorted(os.listdir(tmp_path)) == ["Final.ckpt", "Net_3.ckpt", "Net_4.ckpt"]
    checkpoint.keep_newest(tmp_path, "Net_*.ckpt", 0)
    assert len(os.listdir(tmp_path)) == 3
