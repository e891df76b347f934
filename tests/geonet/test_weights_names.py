"""TensorFlow's names of all variables, and what the arrays' shapes tell of the networks."""

import json

import numpy as np
import pytest

from geonet.src.model_utils.errors import InputError
from geonet.src.networks import make_networks
from geonet.src.weights.names import (
    is_optimizers,
    options_of,
    split_name,
    step_number,
    tensorflow_names,
    trainable_variables,
)
from tests.geonet.golden_networks import GOLDEN, variables
from tests.geonet.tf_files import golden_variables

LISTS = {
    "train_rigid_resnet50": {"names": ("depth_net", "pose_net")},
    "train_rigid_vgg": {"names": ("depth_net", "pose_net"), "dispnet_encoder": "vgg"},
    "train_flow_residual": {"names": ("depth_net", "pose_net", "flow_net")},
    "train_flow_direct": {"names": ("flow_net",), "flownet_type": "direct"},
}


@pytest.fixture(scope="module", params=LISTS)
def case(request):
    """(name of a golden list, the networks that have its variables)."""
    options = dict(LISTS[request.param])
    return request.param, make_networks(options.pop("names"), **options)


def test_the_variables_are_those_that_the_original_saves(case):
    name, networks = case
    found = {}
    for scope, network in networks.items():
        for key, parameter in tensorflow_names(network).items():
            shape = tuple(parameter.shape)
            shape = (*shape[2:], shape[1], shape[0]) if len(shape) == 4 else shape
            found[f"{scope}/{key}"] = shape
    expected = golden_variables(name)
    assert expected.pop("global_step_1") == ()
    assert list(found.items()) == list(expected.items())  # in the original's order too


def test_what_trains_is_what_the_original_lists(case):
    name, networks = case
    golden = json.loads((GOLDEN / f"vars_{name}.json").read_text())
    expected = golden["trained" if "flow" in name else "trainable"]
    learning = {"flow_net": networks["flow_net"]} if "flow" in name else networks
    assert list(trainable_variables(learning)) == [variable for variable, _ in expected]


def test_each_parameter_has_the_name_whose_values_the_goldens_give_it(case):
    # golden_networks fills the networks whose outputs the parity tests compare.
    for scope, network in case[1].items():
        expected = {key: value[0] for key, value in variables(network, scope).items()}
        found = {f"{scope}/{key}": value for key, value in tensorflow_names(network).items()}
        assert found.keys() == expected.keys()
        wrong = [key for key in expected if found[key] is not expected[key]]
        assert not wrong


def test_what_has_no_name_is_the_gamma_that_stays_1(case):
    for network in case[1].values():
        named = {id(parameter) for parameter in tensorflow_names(network).values()}
        rest = [p for p in network.get_parameters() if id(p) not in named]
        assert rest and all(p.name.endswith("norm.gamma") for p in rest)
        assert all(not p.requires_grad and (p.asnumpy() == 1).all() for p in rest)


def test_networks_are_told_by_their_shapes(case):
    name, networks = case
    arrays = {
        scope: {key: np.broadcast_to(0, p.shape) for key, p in tensorflow_names(network).items()}
        for scope, network in networks.items()
    }
    expected = {}
    if "depth_net" in networks:
        expected = {"dispnet_encoder": "vgg" if "vgg" in name else "resnet50", "seq_length": 3}
    if "flow_net" in networks:
        expected["flownet_type"] = name.rpartition("_")[2]
    assert options_of(arrays, "a.index") == expected


NAMES = {
    "depth_net/Conv/weights": ("depth_net", "Conv/weights"),
    "pose_net/Conv_7/biases": ("pose_net", "Conv_7/biases"),
    "flow_net/Conv_80/BatchNorm/moving_variance": (
        "flow_net",
        "Conv_80/BatchNorm/moving_variance",
    ),
    "depth_net/Conv/BatchNorm/gamma": None,
    "depth_net/Conv_/weights": None,
    "depth_net/Conv/weights/Adam": None,
    "other/depth_net/Conv/weights": None,
    "pose_exp_net/Conv/weights": None,
}


def test_names_of_variables():
    for name, expected in NAMES.items():
        assert split_name(name) == (expected or (None, name))


def test_names_of_adam_and_of_counters():
    for name in (
        "beta1_power",
        "beta2_power_1",
        "train_op/beta1_power",
        "depth_net/a/weights/Adam",
    ):
        assert is_optimizers(name) and step_number(name) is None
    assert is_optimizers("depth_net/Conv/weights/Adam_1")
    for name in ("Adam", "beta3_power", "depth_net/Conv/weights", "global_step", "x/Adams"):
        assert not is_optimizers(name)
    assert step_number("global_step") == 0 and step_number("global_step_1") == 1
    assert step_number("a/global_step") is None and step_number("global_step_") is None


def kernels(*shapes):
    return {f"k{number}": np.zeros(shape, np.float32) for number, shape in enumerate(shapes)}


def test_seq_length_is_that_of_the_poses():
    for frames in (2, 3, 5):
        arrays = kernels((16, 3 * frames, 7, 7), (32, 16, 5, 5), (6 * (frames - 1), 256, 1, 1))
        assert options_of({"pose_net": arrays}, "a") == {"seq_length": frames}


WRONG = {
    "depth_net": (kernels((1, 1, 1, 1)), "depth_net in a.index has 1 convolutions, expected 81"),
    "flow_net": (
        kernels((64, 3, 7, 7)),
        r"flow_net in a.index takes 3 channels, expected 12 \(residual\) or 6",
    ),
    "pose_net": (
        kernels((16, 9, 7, 7), (18, 256, 1, 1)),
        "pose_net in a.index takes 9 channels and gives 18, expected 3 for each frame and 6",
    ),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("is_empty", [False, True])
def test_shapes_of_no_network(name, is_empty):
    arrays, line = WRONG[name]
    with pytest.raises(InputError, match="no channels|0 convolutions" if is_empty else line):
        options_of({name: {} if is_empty else arrays}, "a.index")


@pytest.mark.parametrize("name", ["train_rigid_resnet50", "train_rigid_vgg"])
def test_every_variable_of_a_training_is_known(name):
    """Of TensorFlow 1.15: a network's, a step counter or the optimizer's."""
    golden = json.loads((GOLDEN / f"vars_{name}.json").read_text())
    assert golden["tf_version"].startswith("1.15")
    assert all(is_optimizers(variable) for variable in golden["adam_variables_example"])
    for variable, _ in golden["all_global_variables_without_adam"]:
        is_networks, is_step = (
            split_name(variable)[0] is not None,
            step_number(variable) is not None,
        )
        assert is_networks != is_step and not is_optimizers(variable)
