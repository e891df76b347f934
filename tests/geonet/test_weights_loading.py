"""Networks that are built for a checkpoint and filled with it, TensorFlow's and ours."""

import json

import mindspore as ms
import numpy as np
import pytest

from geonet.src.model_utils.checkpoint import save_networks
from geonet.src.model_utils.errors import InputError
from geonet.src.networks import make_networks
from geonet.src.networks.models import preprocess
from geonet.src.weights import find_weights, load, open_weights
from geonet.src.weights.crc32c import crc32c
from geonet.src.weights.loading import fill
from tests.geonet.golden_networks import GOLDEN, arrays, planes
from tests.geonet.small_networks import save_small
from tests.geonet.tf_files import golden_variables, tensorflow_arrays, write_checkpoint

OWN = GOLDEN / "ckpt_pose"
POSES = 2e-8  # of translations and angles about 1e-3 large; float32's limit by the goldens' README


def poses_of(weights):
    """The poses that its network predicts for the goldens' images."""
    network = load(weights, ["pose_net"])["pose_net"]
    return network(preprocess(planes(arrays("train_inputs.npz")["seq"]))).asnumpy()


def test_the_original_s_checkpoint_predicts_the_original_s_poses(capsys):
    weights = open_weights(find_weights(OWN))
    found = poses_of(weights)
    expected = arrays("ckpt_pose_expect.npz")["pred_poses"]
    np.testing.assert_allclose(found, expected, atol=POSES, rtol=0)
    assert capsys.readouterr().out == f"loading pose_net from {OWN}/model-12345.index\n"


def randomized(names, **options):
    """Networks no two parameters of which are alike."""
    generator = np.random.default_rng(0)
    networks = make_networks(names, **options)
    for network in networks.values():
        for parameter in network.get_parameters():
            if not parameter.name.endswith(("weight", "gamma")):
                array = np.float32(generator.random(parameter.shape))
                parameter.set_data(ms.Tensor(array))
    return networks


def test_values_are_copied_only_where_a_parameter_cannot_have_their_memory():
    own, frozen, short = np.float32([1, 2]), np.float32([3, 4]), np.float16([5, 6])
    frozen.flags.writeable = False
    parameters = [ms.Parameter(ms.Tensor(np.zeros(2, np.float32))) for _ in range(4)]
    fill(zip(parameters, (own, frozen, short, np.float32([[7, 0], [8, 0]])[:, 0]), strict=True))
    own += 1
    found = [parameter.asnumpy().tolist() for parameter in parameters]
    assert found == [[2, 3], [3, 4], [5, 6], [7, 8]]
    assert {parameter.dtype for parameter in parameters} == {ms.float32}


# 133 and 475 MB; test_weights_names compares the names and shapes of all four lists.
CASES = {
    "train_rigid_vgg": (("depth_net", "pose_net"), {"dispnet_encoder": "vgg"}),
    "train_flow_residual": (("depth_net", "pose_net", "flow_net"), {}),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_all_variables_of_the_original_reach_their_parameters(tmp_path, name):
    names, options = CASES[name]
    networks = randomized(names, **options)
    stored = tensorflow_arrays(networks, step=77)
    assert {key: array.shape for key, array in stored.items()} == golden_variables(name)
    write_checkpoint(tmp_path / "model-77", stored, crc32c=crc32c)
    loaded = load(open_weights(tmp_path / "model-77.index"), names)
    assert tuple(loaded) == names
    for key, network in networks.items():
        assert not loaded[key].training
        for parameter, expected in zip(loaded[key].get_parameters(), network.get_parameters()):
            assert parameter.name == expected.name
            found = parameter.asnumpy()
            np.testing.assert_array_equal(found, expected.asnumpy(), err_msg=parameter.name)


def test_a_rigid_training_s_variables_are_those_of_residual_flow_without_its_network():
    rigid, residual = map(golden_variables, ("train_rigid_resnet50", "train_flow_residual"))
    assert rigid == {key: v for key, v in residual.items() if not key.startswith("flow_net/")}
    restored = json.loads((GOLDEN / "vars_train_flow_residual.json").read_text())
    assert set(rigid) - {"global_step_1"} == set(restored["restored_from_init_ckpt"])


@pytest.mark.parametrize("frames", [3, 5])
def test_ours_and_of_several_networks_one(tmp_path, frames):
    networks = randomized(["pose_net"], seq_length=frames)
    path = tmp_path / "model-1.ckpt"
    save_networks(networks, path, {"networks": ["pose_net"]})
    (loaded,) = load(open_weights(path), ["pose_net"]).values()
    for parameter, expected in zip(loaded.get_parameters(), networks["pose_net"].get_parameters()):
        np.testing.assert_array_equal(parameter.asnumpy(), expected.asnumpy())


def test_a_network_that_is_missing(tmp_path):
    path = save_small(tmp_path / "model-5.ckpt", ["depth_net", "pose_net"])
    with pytest.raises(InputError) as error:
        load(open_weights(path), ["depth_net", "pose_net", "flow_net"], "test_flow")
    assert str(error.value) == (
        f"{path} holds depth_net and pose_net, but test_flow needs flow_net; "
        "give weights of --mode train_flow"
    )
    path = save_small(tmp_path / "model-6.ckpt", ["flow_net"], flownet_type="direct")
    with pytest.raises(InputError) as error:
        load(open_weights(path), ["depth_net"], "test_depth")
    assert str(error.value) == (
        f"{path} holds flow_net, but test_depth needs depth_net; give weights of --mode train_rigid"
    )


@pytest.fixture(scope="module")
def variables():
    """Those of the goldens' checkpoint, in TensorFlow's layout."""
    networks = load(open_weights(find_weights(OWN)), ["pose_net"])
    return tensorflow_arrays(networks)


def refuse(tmp_path, stored):
    write_checkpoint(tmp_path / "m", stored, crc32c=crc32c)
    with pytest.raises(InputError) as error:
        load(open_weights(tmp_path / "m.index"), ["pose_net"])
    line = str(error.value)
    assert line.startswith(f"pose_net in {tmp_path}/m.index is of another form: ")
    assert line.endswith("; give a checkpoint of GeoNet's pose_net")
    return line


def test_a_variable_that_is_missing_or_of_another_shape(tmp_path, variables):
    beta = "pose_net/Conv_3/BatchNorm/beta"
    without = {key: array for key, array in variables.items() if key != beta}
    assert ": Conv_3/BatchNorm/beta is missing;" in refuse(tmp_path, without)
    other = {**variables, beta: np.zeros(64, np.float32)}
    assert ": Conv_3/BatchNorm/beta is (64,), expected (128,);" in refuse(tmp_path, other)
    biases = {**variables, "pose_net/Conv_3/biases": np.zeros(128, np.float32)}
    assert ": 'Conv_3/biases' is unexpected;" in refuse(tmp_path, biases)
    first = {key: array for key, array in variables.items() if "_7" in key or "/Conv/w" in key}
    line = refuse(tmp_path, first)
    assert "Conv/BatchNorm/beta is missing; Conv/BatchNorm/moving_mean is missing; " in line
    assert " and 24 more" in line
