"""DepthNet's own training, killed and resumed across its two stages, and stopped by bad data."""

import shutil

import cv2
import mindspore as ms
import numpy as np
import pytest

from tests.depthnet.conftest import QUICK
from tests.model_utils.test_trainer import wait_for

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("stage", ["coarse", "fine"])
def test_sigkill_then_resume_gives_the_same_weights(program, nyu, straight, tmp_path, stage):
    """Killed in one of its stages; for the second one the first one's state is there already."""
    depthnet, url = program("depthnet"), tmp_path / "Model"
    line = "coarse net, step: 2 "
    if stage == "fine":
        line = "fine net, step: 1 "
        shutil.copytree(straight[0], url, ignore=shutil.ignore_patterns("*Fine*", "*_fine*"))
    command = ["train.py", "--data_url", nyu, "--train_url", url, *QUICK, "--resume", "auto"]
    process = depthnet.start(*command)
    wait_for(process, line)
    process.kill()
    process.communicate()
    assert not (url / "Ckpt" / "FinalFineNet.ckpt").exists()
    out, _ = depthnet.run(*command)
    assert "resumed coarse at step" in out
    for name in ("FinalCoarseNet.ckpt", "FinalFineNet.ckpt"):
        got = ms.load_checkpoint(str(url / "Ckpt" / name))
        for key, value in ms.load_checkpoint(str(straight[0] / "Ckpt" / name)).items():
            np.testing.assert_array_equal(got[key].asnumpy(), value.asnumpy(), err_msg=key)


def test_a_loss_that_is_not_finite_names_the_images(program, nyu, tmp_path):
    """A learning rate far too large breaks the second step; the weights from before it are kept."""
    hot = ["--learning_rate_max", 1e30, "--stage", "coarse", "--train_url", tmp_path / "hot"]
    command = ["train.py", "--data_url", nyu, *QUICK, *hot]
    _, err = program("depthnet").run(*command, status=1)
    line = next(text for text in err.splitlines() if text.startswith("failed: "))
    state = tmp_path / "hot" / "state_coarse.ckpt"
    assert "coarse step 1: not finite" in line and f"{state} after 1 steps" in line
    assert ".jpg" in line and "Traceback" not in err
    for key, value in ms.load_checkpoint(str(state)).items():
        assert np.isfinite(value.asnumpy()).all(), key
    assert not (tmp_path / "hot" / "Ckpt" / "FinalCoarseNet.ckpt").exists()


def test_an_image_that_breaks_after_the_check_stops_the_run_by_name(program, nyu, tmp_path):
    """A PNG whose end is intact passes the quick check; the loader names it."""
    tree = shutil.copytree(nyu, tmp_path / "NYU")
    for path in (tree / "Train").rglob("*.png"):
        data = bytearray(path.read_bytes())
        data[41:-16] = bytes(len(data) - 57)  # after the header of the first IDAT chunk
        path.write_bytes(data)
        assert cv2.imread(str(path), -1) is None
    command = ["train.py", "--data_url", tree, "--train_url", tmp_path / "broken", *QUICK]
    line = program("depthnet").refuse(*command)
    assert "truncated, or not an image" in line and ".png" in line
