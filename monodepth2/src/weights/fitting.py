"""Whether the weights of a file are those of a network, and filling it with them."""

import mindspore as ms
import numpy as np

from ..model_utils.errors import InputError, shown
from .names import count_layers

# A decoder's convolutions that end in a scale's output.
_OUTPUTS = ("decoder.10.", "decoder.11.", "decoder.12.", "decoder.13.")
_ADVICE = {
    "depth": "give the --num_layers and --scales of its training",
    "pose_encoder": "give the --pose_model_input of its training",
    "pose": "give the --pose_model_type and --pose_model_input of its training",
    "predictive_mask": "give the --frame_ids and --use_stereo of its training",
}


def fill(found):
    """Set parameters to the values of [(parameter, array)]."""
    for parameter, array in found:
        # A copy: two networks may start from the same array.
        value = np.array(array, np.float32, order="C")
        parameter.set_data(ms.Tensor.from_numpy(value))


def fitting(network, weights, name=""):
    """What a file has for a network: [(parameter, its array)].

    Outputs of scales that the network leaves out are ignored, nothing else.

    Args:
        network: Cell; an encoder's num_layers is compared first.
        weights: Weights.
        name: of the network, for the advice in an error.
    Raises:
        InputError: a parameter is missing or unexpected, or has another shape.
    """
    if hasattr(network, "num_layers") and layers_of(weights) != network.num_layers:
        layers = layers_of(weights)
        text = f"{weights.path} is an encoder of {layers} layers, not {network.num_layers}"
        raise InputError(f"{text}; add --num_layers {layers}")
    prefix = getattr(network, "name_prefix", "")
    targets = {p.name.removeprefix(prefix): p for p in network.get_parameters()}
    wrong = _differences(targets, weights.arrays)
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        advice = _ADVICE.get(name, "give the weights of such a network")
        text = f"{weights.path} is of another network: {'; '.join(wrong[:3])}{more}"
        raise InputError(f"{text}; {advice}")
    return [(target, weights.arrays[name]) for name, target in targets.items()]


def _differences(targets, arrays):
    """What of {name: array} does not fit {name: parameter}, in words."""
    wrong = [f"{name} is missing" for name in targets if name not in arrays]
    for name, array in arrays.items():
        if name in targets and array.shape != tuple(targets[name].shape):
            wrong.append(f"{name} is {array.shape}, expected {tuple(targets[name].shape)}")
        elif name not in targets and not _is_output(name):
            wrong.append(f"{shown(name)} is unexpected")
    return wrong


def _is_output(name):
    return name.startswith(_OUTPUTS)


def layers_of(weights):
    """Layers of the ResNet encoder that a file holds.

    Raises:
        InputError: it holds none of 18, 34, 50, 101 or 152.
    """
    layers = count_layers(weights.arrays)
    if layers is None:
        few = ", ".join(map(shown, list(weights.arrays)[:2])) or "nothing"
        text = f"{weights.path} holds no complete ResNet of 18, 34, 50, 101 or 152 layers"
        raise InputError(f"{text} but {few} ...; give the weights of such an encoder")
    return layers
