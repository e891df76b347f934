"""Networks for prediction from a folder of weights, equal to the goldens."""

import numpy as np
import pytest

from monodepth2.src.model_utils.device import Device
from monodepth2.src.model_utils.errors import InputError
from monodepth2.src.monitoring import weights_record
from monodepth2.src.prediction import disparity_cell, pose_cell, weights_folder
from monodepth2.src.prediction.loading import has_pair_poses, limits_of
from monodepth2.src.weights import read_folder_record
from tests.monodepth2.golden_networks import arrays, image

CPU = Device("CPU")
ATOL = 2e-5  # of a sigmoid; see the goldens' README


@pytest.fixture(scope="module")
def weights(golden_folder):
    """A folder of weights as a training leaves them, at the goldens' size."""
    return golden_folder


@pytest.fixture(scope="module")
def inputs():
    return arrays("inputs.npz")


def test_disparity_lies_between_the_inverses_of_the_limits(weights, inputs):
    """The golden sigmoid, 1/100 + (1/0.1 - 1/100) of it."""
    record = read_folder_record(weights)
    disparity = disparity_cell(weights, record, "O0", CPU)(image(inputs, "0", "color_aug"))
    expected = 0.01 + 9.99 * arrays("depth.npz")["r18_eval_disp0"]
    np.testing.assert_allclose(disparity.asnumpy(), expected, rtol=0, atol=10 * ATOL)


def test_a_training_s_own_limits_are_taken():
    assert limits_of({}) == (0.1, 100)
    options = {"height": 64, "width": 96, "use_stereo": False, "num_layers": 18, "scales": [0]}
    record = weights_record({**options, "min_depth": 0.5, "max_depth": 20}, None)
    assert limits_of(record) == (0.5, 20)


def test_poses_of_pairs(weights, inputs):
    """Earlier image first: the golden prediction from frame 0 to 1."""
    record = read_folder_record(weights)
    cell = pose_cell(weights, record, "O0", CPU)
    pose = cell(image(inputs, "0", "color_aug"), image(inputs, "p1", "color_aug")).asnumpy()
    golden = arrays("pose.npz")
    parts = [golden[f"sep_r18_eval_p1_{part}"][:, 0, 0] for part in ("axisangle", "translation")]
    assert pose.shape == (2, 1, 6)
    np.testing.assert_allclose(pose[:, 0], np.concatenate(parts, 1), rtol=0, atol=1e-6)


def test_a_folder_without_poses_of_pairs(weights, tmp_path):
    assert has_pair_poses(weights)
    for name in ("encoder", "depth", "pose"):
        (tmp_path / f"{name}.ckpt").write_bytes((weights / f"{name}.ckpt").read_bytes())
    record = read_folder_record(tmp_path)
    assert not has_pair_poses(tmp_path)
    (tmp_path / "pose_encoder.ckpt").write_bytes((weights / "encoder.ckpt").read_bytes())
    assert not has_pair_poses(tmp_path)
    with pytest.raises(InputError, match="holds no pose_encoder and pose of two images"):
        pose_cell(tmp_path, record, "O0", CPU)


def test_weights_by_a_released_model_s_or_a_training_s_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert str(weights_folder("given", "mdp", "logs")) == "given"
    with pytest.raises(InputError, match="model_name m: neither models/m nor logs/m/models/wei"):
        weights_folder("", "m", "logs")
    trained = tmp_path / "logs" / "m" / "models" / "weights_best"
    trained.mkdir(parents=True)
    assert weights_folder("", "m", "logs").resolve() == trained
    (tmp_path / "models" / "m").mkdir(parents=True)
    assert weights_folder("", "m", "logs").resolve() == tmp_path / "models" / "m"


def test_prediction_leaves_the_moving_statistics_alone(weights, inputs):
    cell = disparity_cell(weights, read_folder_record(weights), "O0", CPU)
    before = {p.name: p.asnumpy().copy() for p in cell.get_parameters()}
    cell(image(inputs, "0"))
    for parameter in cell.get_parameters():
        np.testing.assert_array_equal(parameter.asnumpy(), before[parameter.name])
