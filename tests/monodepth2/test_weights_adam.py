"""Adam's state beside the weights: saved, continued, and left out where it does not fit."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import nn

from monodepth2.src.model_utils.checkpoint import prefix_names, save_networks
from monodepth2.src.model_utils.errors import InputError
from monodepth2.src.weights import AdamState, load_adam

GRADIENTS = [np.float32([[0.5, -2]]), np.float32([3])]


def make(size=1, rate=0.1):
    """(network, Adam) with fixed values."""
    network = nn.Dense(2, size)
    for parameter in network.get_parameters():
        parameter.set_data(ms.Tensor(np.ones(parameter.shape, np.float32)))
    prefix_names({"pose": network})
    return network, nn.Adam(network.trainable_params(), learning_rate=rate)


def step(optimizer):
    optimizer(tuple(map(ms.Tensor, GRADIENTS)))


def values(network):
    return [parameter.asnumpy().copy() for parameter in network.get_parameters()]


@pytest.fixture
def folder(tmp_path):
    """Weights and Adam after two steps, and the network and the optimizer that took them."""
    network, optimizer = make()
    for _ in range(2):
        step(optimizer)
    save_networks({"pose": network, "adam": AdamState(optimizer)}, tmp_path / "weights_0")
    return tmp_path / "weights_0", network, optimizer


def test_the_next_step_is_that_of_the_training_that_saved_it(folder, capsys):
    path, network, optimizer = folder
    other, continued = make()
    for parameter, value in zip(other.get_parameters(), values(network)):
        parameter.set_data(ms.Tensor(value))
    assert load_adam(continued, path)
    assert capsys.readouterr().out == "Loading Adam weights\n"
    step(optimizer)
    step(continued)
    for got, expected in zip(values(other), values(network)):
        np.testing.assert_array_equal(got, expected)


def test_the_schedule_begins_anew(folder):
    optimizer = make(rate=0.5)[1]
    load_adam(optimizer, folder[0])
    assert optimizer.global_step.asnumpy() == 0
    assert optimizer.learning_rate.asnumpy() == 0.5


def test_without_a_folder_nothing_is_said(capsys):
    assert load_adam(make()[1], "") is False
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("foreign", [None, "adam.pth", "adam.pdparams"])
def test_without_a_state_of_ours(tmp_path, foreign, capsys):
    network, optimizer = make()
    first = "Cannot find Adam weights so Adam is randomly initialized"
    expected = [first]
    if foreign:
        (tmp_path / foreign).write_bytes(b"x")
        text = f"{tmp_path / foreign} is another program's state of Adam and is not read"
        expected = [text, first]
    assert load_adam(optimizer, tmp_path) is False
    assert capsys.readouterr().out.splitlines() == expected


def test_a_state_of_other_networks(folder, capsys):
    optimizer = make(size=2)[1]
    assert load_adam(optimizer, folder[0]) is False
    assert capsys.readouterr().out.endswith("of other networks, so Adam is randomly initialized\n")
    assert not any(moment.asnumpy().any() for moment in optimizer.moment1)


def test_a_damaged_state(folder):
    path = folder[0] / "adam.ckpt"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match="adam.ckpt is truncated or not a MindSpore checkpoint"):
        load_adam(make()[1], folder[0])
