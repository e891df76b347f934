"""Networks that are built for weights and filled with them."""

import mindspore as ms
import numpy as np

from ..model_utils.context import without_values
from ..model_utils.errors import InputError, shown
from ..networks import make_networks
from .names import tensorflow_names

_OPTIONS = ("dispnet_encoder", "flownet_type", "seq_length")
_MOST = 3  # differences that an error lists


def load(weights, names, needed_by="this run"):
    """Networks with a checkpoint's weights, in evaluation mode.

    Args:
        weights: Weights of `open_weights`; what it knows of the networks is what is built.
        names: of NETWORKS.
        needed_by: task that needs them, for an error.
    Returns:
        {name: Cell} in the order of names.
    Raises:
        InputError: a network is missing, or is not of the form that the rest of it says.
    """
    must_hold(weights, names, needed_by)
    options = {key: weights.record[key] for key in _OPTIONS if weights.record[key] is not None}
    with without_values():
        networks = make_networks(names, **options)
    fill([pair for name in names for pair in fitting(networks[name], weights, name)])
    print(f"loading {listed(names)} from {weights.path}")
    for network in networks.values():
        network.set_train(False)
    return networks


def must_hold(weights, names, needed_by):
    """Check that a checkpoint holds networks.

    Raises:
        InputError: one is missing.
    """
    missing = [name for name in names if name not in weights.networks]
    if missing:
        text = f"{weights.path} holds {listed(weights.networks)}, but {needed_by} needs"
        of_flow = "weights of --mode train_flow"
        advice = of_flow if "flow_net" in missing else "weights of --mode train_rigid"
        raise InputError(f"{text} {listed(missing)}; give {advice}")


def listed(names):
    """Names as in a sentence: a, b and c."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def fill(found):
    """Set parameters to the values of [(parameter, array)]; memory of float32 becomes theirs."""
    for parameter, array in found:
        parameter.set_data(ms.Tensor.from_numpy(np.require(array, np.float32, "CAW")))


def fitting(network, weights, name):
    """What a checkpoint has for a network, each of its arrays used: [(parameter, array)].

    Args:
        network: Cell.
        weights: Weights.
        name: of the network, which the weights hold.
    Raises:
        InputError: an array is missing or unexpected, or has another shape.
    """
    if weights.is_tensorflow:
        targets = tensorflow_names(network)
    else:
        prefix = getattr(network, "name_prefix", "")
        targets = {p.name.removeprefix(prefix): p for p in network.get_parameters()}
    arrays = weights.networks[name]
    wrong = _differences(targets, arrays)
    if wrong:
        more = f" and {len(wrong) - _MOST} more" if len(wrong) > _MOST else ""
        text = f"{name} in {weights.path} is of another form: {'; '.join(wrong[:_MOST])}{more}"
        raise InputError(f"{text}; give a checkpoint of GeoNet's {name}")
    return [(target, arrays[key]) for key, target in targets.items()]


def _differences(targets, arrays):
    """What of {name: array} does not fit {name: parameter}, in words."""
    wrong = [f"{key} is missing" for key in targets if key not in arrays]
    for key, array in arrays.items():
        if key not in targets:
            wrong.append(f"{shown(key)} is unexpected")
        elif array.shape != tuple(targets[key].shape):
            wrong.append(f"{key} is {array.shape}, expected {tuple(targets[key].shape)}")
    return wrong
