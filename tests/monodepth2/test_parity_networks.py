"""Networks equal Monodepth2's goldens ($GOLDEN_DIR/monodepth2, see its README).

| what | tolerance | reason |
|---|---|---|
| disparities | 2e-5; 5e-5 in training mode and with 50 layers | float32 sums in another order |
| features | 1e-4 of their largest | as above |
| poses | 1e-6, of values around 5e-3 | as above |
| BatchNorm's moving values | 1e-4 | as above |
"""

import mindspore as ms
import numpy as np
import pytest
from mindspore import ops

from monodepth2.src.networks import (
    DepthDecoder,
    DisparityNet,
    Motion,
    PoseCNN,
    PoseDecoder,
    PoseNet,
    ResnetEncoder,
)
from monodepth2.src.networks.depth_decoder import disparity_to_depth
from monodepth2.src.sfm_utils import poses
from tests.monodepth2.golden_networks import arrays, filled, image

DEPTH, POSE, INPUTS = arrays("depth.npz"), arrays("pose.npz"), arrays("inputs.npz")
SCALES = (0, 1, 2, 3)
MOVING = {"mean": "moving_mean", "var": "moving_variance"}


@pytest.fixture(autouse=True)
def pynative():
    ms.set_context(mode=ms.PYNATIVE_MODE)


def depth_networks(layers):
    encoder = filled(ResnetEncoder(layers), "encoder")
    return encoder, filled(DepthDecoder(encoder.num_ch_enc, SCALES), "depth")


@pytest.mark.parametrize(
    ("run", "layers", "limit"),
    [("r18_eval", 18, 2e-5), ("r18_train", 18, 5e-5), ("r50_eval", 50, 5e-5)],
)
def test_features_and_disparities(run, layers, limit):
    encoder, depth = depth_networks(layers)
    encoder.set_train(run.endswith("train"))
    features = encoder(image(INPUTS, 0, "color_aug"))
    for number, values in enumerate(features):
        values = values.asnumpy()
        largest = DEPTH[f"{run}_feat{number}_stats"][2]
        got = values.mean(), values.std(), np.abs(values).max()
        np.testing.assert_allclose(got, DEPTH[f"{run}_feat{number}_stats"], atol=1e-4 * largest)
        part = values.ravel()[:: max(1, values.size // 256)][:256]
        np.testing.assert_allclose(part, DEPTH[f"{run}_feat{number}_sub"], atol=1e-4 * largest)
    for scale, disparity in zip(SCALES, depth(features)):
        np.testing.assert_allclose(disparity.asnumpy(), DEPTH[f"{run}_disp{scale}"], atol=limit)


def test_batchnorm_s_moving_values_after_one_training_pass():
    encoder, _ = depth_networks(18)
    encoder.set_train()(image(INPUTS, 0, "color_aug"))
    found = {parameter.name: parameter.asnumpy() for parameter in encoder.get_parameters()}
    names = [f"r18_train_{norm}_running_{kind}" for norm in NORMS for kind in MOVING]
    for name in names:
        norm, _, kind = name.removeprefix("r18_train_").rpartition("_running_")
        got = found[f"encoder.{norm}.{MOVING[kind]}"]
        np.testing.assert_allclose(got, DEPTH[name], atol=1e-4)


NORMS = ("bn1", "layer4.1.bn2")


@pytest.mark.parametrize(("run", "limits"), [("d2d", (0.1, 100)), ("d2d2", (1e-3, 80))])
def test_disparity_to_depth(run, limits):
    scaled, depth = disparity_to_depth(DEPTH["d2d_in"], *limits)
    np.testing.assert_allclose(scaled, DEPTH[f"{run}_scaled_disp"], rtol=1e-6)
    np.testing.assert_allclose(depth, DEPTH[f"{run}_depth"], rtol=1e-6)


def check_vectors(run, got):
    for name, values in zip(("axisangle", "translation"), got):
        np.testing.assert_allclose(values.asnumpy(), POSE[f"{run}_{name}"][:, :, 0], atol=1e-6)


PAIRS = {"m1": ("m1", 0), "p1": (0, "p1")}


def stacked(frames):
    return ops.concat([image(INPUTS, frame, "color_aug") for frame in frames], 1)


@pytest.mark.parametrize("frame", PAIRS)
@pytest.mark.parametrize("run", ["sep_r18_eval", "sep_r18_train", "sep_r50_eval"])
def test_poses_of_a_pair(run, frame):
    encoder = filled(ResnetEncoder(int(run[5:7]), 2), "pose_encoder")
    pose = filled(PoseDecoder(encoder.num_ch_enc, 1, 2), "pose")
    encoder.set_train(run.endswith("train"))
    got = pose((encoder(stacked(PAIRS[frame]))[4],))
    check_vectors(f"{run}_{frame}", got)
    matrix = poses.pose(poses.rotation_from_axis_angle(got[0][:, 0]), got[1][:, 0])
    matrix = poses.inverse_pose(matrix) if frame == "m1" else matrix
    np.testing.assert_allclose(matrix.asnumpy(), POSE[f"{run}_{frame}_cam_T_cam"], atol=1e-6)


def test_poses_of_all_images_at_once():
    encoder = filled(ResnetEncoder(18, 3), "pose_encoder")
    pose = filled(PoseDecoder(encoder.num_ch_enc, 1, 2), "pose")
    check_vectors("sep_all", pose((encoder(stacked((0, "m1", "p1")))[4],)))


def test_pose_cnn():
    pair = filled(PoseCNN(2), "pose")
    for frame in PAIRS:
        check_vectors(f"posecnn_{frame}", pair(stacked(PAIRS[frame])))
    check_vectors("posecnn_all", filled(PoseCNN(3), "pose")(stacked((0, "m1", "p1"))))


def test_poses_from_the_depth_encoder():
    encoder, _ = depth_networks(18)
    last = {frame: encoder(image(INPUTS, frame, "color_aug"))[4] for frame in (0, "m1", "p1")}
    pair = filled(PoseDecoder(encoder.num_ch_enc, 2), "pose")
    for frame in PAIRS:
        got = pair(tuple(last[one] for one in PAIRS[frame]))
        check_vectors(f"shared_{frame}", got)
    every = filled(PoseDecoder(encoder.num_ch_enc, 3), "pose")
    check_vectors("shared_all", every(tuple(last.values())))


def test_the_pose_decoder_alone():
    pose = filled(PoseDecoder([64, 64, 128, 256, 512], 1, 2), "pose")
    check_vectors("posedec", pose((ms.Tensor(POSE["posedec_feat_in"]),)))


def test_networks_for_prediction_are_their_parts():
    encoder, depth = depth_networks(18)
    disparity = DisparityNet(encoder, depth)(image(INPUTS, 0, "color_aug"))
    np.testing.assert_allclose(disparity.asnumpy(), DEPTH["r18_eval_disp0"], atol=2e-5)
    encoder = filled(ResnetEncoder(18, 2), "pose_encoder")
    pose = filled(PoseDecoder(encoder.num_ch_enc, 1, 2), "pose")
    got = PoseNet(encoder, pose)(stacked((0, "p1"))).asnumpy()
    run = "sep_r18_eval_p1"
    expected = [POSE[f"{run}_axisangle"][:, 0, 0], POSE[f"{run}_translation"][:, 0, 0]]
    np.testing.assert_allclose(got, np.concatenate(expected, 1), atol=1e-6)


def test_motion_passes_a_pair_in_the_order_of_time():
    networks = {"pose_encoder": filled(ResnetEncoder(18, 2), "pose_encoder")}
    networks["pose"] = filled(PoseDecoder(networks["pose_encoder"].num_ch_enc, 1, 2), "pose")
    motion = Motion(networks, (-1, 1), "separate_resnet", "pairs")
    assert motion.inverted == (True, False)
    found = motion([image(INPUTS, frame, "color_aug") for frame in (0, "m1", "p1")], ())
    for frame, (axis_angle, translation) in zip(PAIRS, found):
        run = f"sep_r18_eval_{frame}"
        for got, name in ((axis_angle, "axisangle"), (translation, "translation")):
            np.testing.assert_allclose(got.asnumpy(), POSE[f"{run}_{name}"][:, 0, 0], atol=1e-6)
