"""The networks equal GeoNet's goldens; sizes are read from the arrays.

From the goldens' README. Inference: disparity 5e-5, pose 2e-8. Batch statistics, deep down of as
few as 2 to 6 values: disparity 6e-3, pose 1e-6. Preprocessed images: rounding.
"""

import json

import mindspore as ms
import numpy as np
import pytest

from geonet.src.networks.full_flow import length
from geonet.src.networks.models import preprocess
from tests.geonet.golden_networks import GOLDEN, arrays, filled, last_axis, planes

NETS, SEQUENCES = arrays("nets.npz"), arrays("train_inputs.npz")
GEOMETRY = arrays("geometry.npz")
PARTS = {"": slice(None), "_sub2": slice(1, None, 2), "_sub4": slice(2, None, 4)}
DISPARITY = {"infer": 5e-5, "train": 6e-3}
POSE = {"infer": 2e-8, "train": 1e-6}


def check_disparities(found, run, mode):
    """All scales of a run against disp_<run>_<mode>_s0 ..."""
    for scale, disparity in enumerate(map(last_axis, found)):
        (key,) = (key for key in NETS if key.startswith(f"disp_{run}_{mode}_s{scale}"))
        part = PARTS[key.removeprefix(f"disp_{run}_{mode}_s{scale}")]
        got = disparity[:, part, part]
        np.testing.assert_allclose(got, NETS[key], rtol=0, atol=DISPARITY[mode])


@pytest.mark.parametrize("encoder", ["resnet50", "vgg"])
def test_disparities(encoder):
    network = filled(["depth_net"], dispnet_encoder=encoder)["depth_net"]
    check_disparities(network(preprocess(planes(NETS["img"]))), encoder, "infer")
    if encoder == "resnet50":  # a width that is no multiple of 64
        check_disparities(network(preprocess(planes(NETS["img_odd"]))), "resnet50_odd", "infer")
    network.set_train(True)
    check_disparities(network(preprocess(planes(NETS["img"]))), encoder, "train")


@pytest.mark.parametrize("mode", ["infer", "train"])
def test_poses(mode):
    frames = SEQUENCES["seq"].shape[3] // 3
    network = filled(["pose_net"], seq_length=frames)["pose_net"].set_train(mode == "train")
    got = network(preprocess(planes(SEQUENCES["seq"]))).asnumpy()
    np.testing.assert_allclose(got, NETS[f"pose_{mode}"], rtol=0, atol=POSE[mode])


def test_preprocessed_images():
    got = last_axis(preprocess(planes(NETS["img"])))[:, 0]
    np.testing.assert_allclose(got, NETS["img_pre_first_row"], rtol=0, atol=2e-7)
    got = last_axis(preprocess(planes(GEOMETRY["pp_u8"])))
    np.testing.assert_allclose(got, GEOMETRY["pp_out"], rtol=0, atol=2e-7)
    # What a panel shows of it is the image again.
    np.testing.assert_array_equal(np.rint((got + 1) * 127.5), GEOMETRY["pp_back"])


def test_lengths():
    vectors = ms.Tensor(np.moveaxis(GEOMETRY["fw_grad_flow_in"], 3, 1).copy())
    np.testing.assert_allclose(last_axis(length(vectors)), GEOMETRY["l2norm_flow"], rtol=1e-6)


def test_tolerances_are_above_what_rounding_does():
    """A change of all weights by 1e-7."""
    changes = json.loads((GOLDEN / "sensitivity.json").read_text())
    for key, (change, *_) in changes["nets: [max abs change, max, min, std]"].items():
        tolerance = POSE if key.startswith("pose") else DISPARITY
        mode = "train" if "train" in key else "infer"
        assert change <= tolerance[mode], key


def test_the_goldens_are_of_the_networks_that_this_file_names():
    assert (GOLDEN / "nets.npz").is_file()
    assert {key.split("_")[1] for key in NETS if key.startswith("disp_")} == {"resnet50", "vgg"}
