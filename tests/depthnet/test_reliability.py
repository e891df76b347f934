"""DepthNet's own training, killed and resumed across its two stages, and stopped by bad data."""

import shutil

import cv2
import mindspore as ms
import numpy as np
import pytest

from tests.model_utils.test_trainer import wait_for

STEPS = ["--batch_size", 1, "--coarse_net_train_step", 4, "--fine_net_train_step", 3]
OPTIONS = [*STEPS, "--log_steps", 1, "--resume_steps", 2, "--num_parallel_workers", 2]


@pytest.fixture(scope="module")
def straight(program, nyu):
    """Weights of a run that nothing interrupted."""
    depthnet = program("depthnet")
    depthnet.run("train.py", "--data_url", nyu, "--train_url", "straight", *OPTIONS)
    return depthnet.folder / "straight" / "Ckpt"


@pytest.mark.parametrize("line", ["coarse net, step: 2 ", "fine net, step: 1 "])
def test_sigkill_then_resume_gives_the_same_weights(program, nyu, straight, line):
    depthnet = program("depthnet")
    url = line.replace(" ", "_").replace(":", "")
    command = ["train.py", "--data_url", nyu, "--train_url", url, *OPTIONS, "--resume", "auto"]
    process = depthnet.start(*command)
    wait_for(process, line)
    process.kill()
    process.communicate()
    out, _ = depthnet.run(*command)
    assert "resumed coarse at step" in out
    for name in ("FinalCoarseNet.ckpt", "FinalFineNet.ckpt"):
        got = ms.load_checkpoint(str(depthnet.folder / url / "Ckpt" / name))
        for key, value in ms.load_checkpoint(str(straight / name)).items():
            np.testing.assert_array_equal(got[key].asnumpy(), value.asnumpy(), err_msg=key)


def test_a_loss_that_is_not_finite_names_the_pictures(program, nyu):
    """A learning rate far too large breaks the second step."""
    depthnet = program("depthnet")
    hot = ["--learning_rate_max", 1e30, "--stage", "coarse", "--train_url", "hot"]
    _, err = depthnet.run("train.py", "--data_url", nyu, *OPTIONS, *hot, status=1)
    line = next(text for text in err.splitlines() if text.startswith("failed: "))
    assert "coarse step 1: not finite" in line and "last good state: none yet" in line
    assert ".jpg" in line and "Traceback" not in err
    assert not (depthnet.folder / "hot" / "Ckpt" / "FinalCoarseNet.ckpt").exists()


def test_a_picture_that_breaks_after_the_check_stops_the_run_by_name(program, nyu, tmp_path):
    """A PNG whose end is intact passes the quick check; the loader names it."""
    tree = shutil.copytree(nyu, tmp_path / "NYU")
    for path in (tree / "Train").rglob("*.png"):
        data = bytearray(path.read_bytes())
        data[41:-16] = bytes(len(data) - 57)  # behind the header of the first IDAT chunk
        path.write_bytes(data)
        assert cv2.imread(str(path), -1) is None
    command = ["train.py", "--data_url", tree, "--train_url", "broken", *OPTIONS]
    line = program("depthnet").refuse(*command)
    assert "truncated, or not an image" in line and ".png" in line
