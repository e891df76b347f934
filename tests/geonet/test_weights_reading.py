"""What a checkpoint of ours or of TensorFlow holds, and which others are refused."""

import numpy as np
import pytest
from mindspore import nn

from geonet.src.model_utils.checkpoint import save_networks, save_state
from geonet.src.model_utils.errors import InputError
from geonet.src.weights import find_weights, open_weights
from tests.geonet.small_networks import RECORD, save_small, small_networks
from tests.geonet.tf_files import GOLDEN, index, table, write_checkpoint

RIGID = ("depth_net", "pose_net")
ALL = (*RIGID, "flow_net")
UNKNOWN = dict.fromkeys(RECORD)


def test_the_original_s_checkpoint():
    with np.load(GOLDEN / "ckpt_pose_expect.npz") as expected:
        step = int(expected["global_step"])
    weights = open_weights(find_weights(GOLDEN / "ckpt_pose" / "model-12345"))
    assert weights.path == GOLDEN / "ckpt_pose" / "model-12345.index" and weights.is_tensorflow
    known = {"networks": ["pose_net"], "mode": "train_rigid", "seq_length": 3, "step": step}
    assert weights.record == {**UNKNOWN, **known}
    assert weights.steps == {"global_step_1": 12345} and weights.left_out == ()
    assert list(weights.networks) == ["pose_net"] and len(weights.networks["pose_net"]) == 30


@pytest.mark.parametrize("names", [RIGID, ALL, ("flow_net",), ("pose_net",)])
def test_ours(tmp_path, names):
    path = save_small(tmp_path / "model-700.ckpt", names, 2.5)
    weights = open_weights(path)
    assert weights.path == path and not weights.is_tensorflow and weights.left_out == ()
    assert weights.record == {**RECORD, "networks": list(names)}
    assert tuple(weights.networks) == names
    for name, network in small_networks(names).items():
        arrays = weights.networks[name]
        assert list(arrays) == [p.name for p in network.get_parameters()]
        assert all((array == 2.5).all() for array in arrays.values())


def test_the_shapes_are_believed_before_the_record(tmp_path):
    options = {"dispnet_encoder": "resnet50", "flownet_type": "direct", "seq_length": 5}
    path = save_small(tmp_path / "a.ckpt", ALL, record=RECORD, **options)
    assert open_weights(path).record == {**RECORD, "networks": list(ALL), **options}


def variables(scope="pose_net", frames=3):
    """A small pose network in TensorFlow's layout."""
    return {
        f"{scope}/Conv/weights": np.arange(7 * 7 * 3 * frames * 2.0, dtype=np.float32).reshape(
            7, 7, 3 * frames, 2
        ),
        f"{scope}/Conv/BatchNorm/beta": np.float32([1, 2]),
        f"{scope}/Conv_1/weights": np.zeros((1, 1, 2, 6 * (frames - 1)), np.float32),
    }


ADAM = {
    "beta1_power": np.float32(0.9),
    "beta2_power": np.float32(0.999),
    "pose_net/Conv/weights/Adam": np.zeros(5, np.float32),
    "pose_net/Conv/weights/Adam_1": np.zeros(5, np.float32),
}


def test_adam_is_left_out_and_named(tmp_path):
    steps = {"global_step": np.array(3, np.int64), "global_step_1": np.array(9, np.int32)}
    write_checkpoint(tmp_path / "model-9", {**variables(), **ADAM, **steps})
    weights = open_weights(tmp_path / "model-9.index")
    assert sorted(weights.left_out) == sorted(ADAM)
    assert weights.steps == {"global_step": 3, "global_step_1": 9}
    assert weights.record["step"] == 9  # the original's own counter
    assert sorted(weights.networks["pose_net"]) == [
        "Conv/BatchNorm/beta",
        "Conv/weights",
        "Conv_1/weights",
    ]


def test_a_kernel_s_axes(tmp_path):
    arrays = variables()
    write_checkpoint(tmp_path / "m", arrays)
    weights = open_weights(tmp_path / "m.index")
    found, stored = weights.networks["pose_net"]["Conv/weights"], arrays["pose_net/Conv/weights"]
    assert found.shape == (2, 9, 7, 7) and found.flags.c_contiguous
    assert found[1, 4, 2, 6] == stored[2, 6, 4, 1]
    assert weights.record["step"] is None


@pytest.mark.parametrize("frames", [3, 5])
def test_what_tensorflow_s_shapes_tell(tmp_path, frames):
    flow = {"flow_net/Conv/weights": np.zeros((7, 7, 12, 1), np.float32)}
    depth = {f"depth_net/Conv_{n}/weights": np.zeros((1, 1, 1, 1), np.float64) for n in range(32)}
    write_checkpoint(tmp_path / "m", {**variables(frames=frames), **flow, **depth})
    weights = open_weights(tmp_path / "m.index")
    known = {"networks": list(ALL), "mode": "train_flow", "seq_length": frames}
    known |= {"dispnet_encoder": "vgg", "flownet_type": "residual"}
    assert weights.record == {**UNKNOWN, **known}
    assert weights.networks["depth_net"]["Conv_5/weights"].dtype == np.float32


STRANGERS = {
    "pose_net/Conv/BatchNorm/gamma": "holds 'pose_net/Conv/BatchNorm/gamma'",
    "pose_exp_net/Conv/weights": "holds 'pose_exp_net/Conv/weights'",
    "pose_net/Conv_8": "holds 'pose_net/Conv_8'",
}


@pytest.mark.parametrize("name", STRANGERS)
def test_a_variable_of_another_model(tmp_path, name):
    write_checkpoint(tmp_path / "m", {**variables(), name: np.float32([1])})
    with pytest.raises(InputError) as error:
        open_weights(tmp_path / "m.index")
    assert str(error.value) == (
        f"{tmp_path}/m.index {STRANGERS[name]}; expected the variables of depth_net, pose_net, "
        "flow_net of GeoNet alone"
    )


def test_many_variables_of_another_model(tmp_path):
    write_checkpoint(tmp_path / "m", {f"layer{n}": np.float32([1]) for n in range(9)})
    with pytest.raises(InputError, match="holds 'layer0', 'layer1', 'layer2' and 6 more; expected"):
        open_weights(tmp_path / "m.index")


@pytest.mark.parametrize("step", [np.float32(3), np.zeros(2, np.int32)])
def test_a_step_that_is_none(tmp_path, step):
    write_checkpoint(tmp_path / "m", {**variables(), "global_step": step})
    with pytest.raises(InputError, match="m.index holds 'global_step'; expected"):
        open_weights(tmp_path / "m.index")


def test_a_checkpoint_without_variables(tmp_path):
    write_checkpoint(tmp_path / "m", {})
    with pytest.raises(InputError, match="m.index holds no network; expected the variables of"):
        open_weights(tmp_path / "m.index")


def test_version_1(tmp_path):
    for name in ("model-5", "model.ckpt"):
        (tmp_path / name).write_bytes(table([], []))
        with pytest.raises(InputError) as error:
            open_weights(find_weights(tmp_path / name))
        assert str(error.value) == (
            f"{tmp_path}/{name} is a TensorFlow checkpoint of version 1; "
            "restore and save it in TensorFlow, Saver(write_version=2)"
        )


def test_files_of_other_kinds(tmp_path):
    (tmp_path / "a.pth").write_bytes(b"PK\3\4")
    with pytest.raises(InputError, match="a.pth is no checkpoint; give a .ckpt of GeoNet's train"):
        open_weights(tmp_path / "a.pth")
    (tmp_path / "a.ckpt").write_bytes(b"noise" * 99)
    with pytest.raises(InputError, match="a.ckpt is truncated or not a MindSpore checkpoint"):
        open_weights(tmp_path / "a.ckpt")
    save_networks({"net": nn.Dense(2, 2)}, tmp_path / "b.ckpt")
    with pytest.raises(InputError, match=r"b.ckpt says networks None, expected some of depth_net"):
        open_weights(tmp_path / "b.ckpt")


def test_a_training_s_state(tmp_path):
    parameters = small_networks(["pose_net"])["pose_net"].get_parameters()
    save_state(tmp_path / "state_5.ckpt", parameters, {"step": 5})
    with pytest.raises(InputError, match="state_5.ckpt is a training's state, for --resume; give"):
        open_weights(tmp_path / "state_5.ckpt")


@pytest.mark.parametrize("networks", [[], ["encoder"], "pose_net", [["pose_net"]], {"pose_net": 1}])
def test_a_record_of_another_model(tmp_path, networks):
    save_networks(small_networks(["pose_net"]), tmp_path / "a.ckpt", {"networks": networks})
    with pytest.raises(InputError, match="a.ckpt says networks .*, expected some of"):
        open_weights(tmp_path / "a.ckpt")


def test_a_record_that_lists_more_than_there_is(tmp_path):
    save_networks(small_networks(["pose_net"]), tmp_path / "a.ckpt", {"networks": list(RIGID)})
    with pytest.raises(InputError, match=r"depth_net in .*a.ckpt has 0 convolutions"):
        open_weights(tmp_path / "a.ckpt")


@pytest.mark.parametrize("value", [0, -64, 1 << 20, 64.5, "64"])
def test_an_image_size_that_is_none(tmp_path, value):
    path = save_small(tmp_path / "a.ckpt", ["pose_net"], record={"img_width": value})
    with pytest.raises(InputError, match="a.ckpt says img_width .*; use another copy"):
        open_weights(path)


def test_a_damaged_index_is_named(tmp_path):
    (tmp_path / "m.index").write_bytes(index({b"": b""})[1:])
    with pytest.raises(InputError, match="m.index is damaged"):
        open_weights(tmp_path / "m.index")
