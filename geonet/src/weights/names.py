"""How TensorFlow names the variables of a network, and what the arrays tell of it."""

import re

from ..model_utils.errors import InputError
from ..networks import NETWORKS
from ..networks.layers import ConvLayer

_VARIABLE = re.compile(
    rf"({'|'.join(NETWORKS)})/"
    r"(Conv(?:_\d+)?/(?:weights|biases|BatchNorm/(?:beta|moving_mean|moving_variance)))"
)
_STEP = re.compile(r"global_step(?:_(\d+))?")
_OPTIMIZER = re.compile(r"(.*/)?beta[12]_power(_\d+)?|.+/Adam(_\d+)?")
_ENCODERS = {81: "resnet50", 32: "vgg"}  # by the number of convolutions
_FLOW_TYPES = {12: "residual", 6: "direct"}  # by the channels of the input


def split_name(name):
    """(network, the rest of the name) of a network's variable, else (None, name)."""
    found = _VARIABLE.fullmatch(name)
    return (found[1], found[2]) if found else (None, name)


def is_optimizers(name):
    """Whether a variable belongs to Adam."""
    return _OPTIMIZER.fullmatch(name) is not None


def step_number(name):
    """Which of TensorFlow's step counters a variable is, 0 the first; None for none.

    The original's own counter is global_step_1: slim has made a global_step before.
    """
    found = _STEP.fullmatch(name)
    return int(found[1] or 0) if found else None


def tensorflow_names(network):
    """{TensorFlow's name without the network's: parameter} of all that a checkpoint holds.

    slim numbers convolutions by their creation, which is the order of our cells. BatchNorm's gamma,
    which the original lacks, is left out: it stays 1.
    """
    names = {}
    cells = (cell for _, cell in network.cells_and_names())
    for number, layer in enumerate(cell for cell in cells if isinstance(cell, ConvLayer)):
        scope = f"Conv_{number}" if number else "Conv"
        names[f"{scope}/weights"] = layer.weight
        if layer.is_head:
            names[f"{scope}/biases"] = layer.bias
        else:
            names[f"{scope}/BatchNorm/beta"] = layer.norm.beta
            names[f"{scope}/BatchNorm/moving_mean"] = layer.norm.moving_mean
            names[f"{scope}/BatchNorm/moving_variance"] = layer.norm.moving_variance
    return names


def options_of(networks, path):
    """What the shapes tell of networks; what they do not tell is left out.

    Args:
        networks: {name: {its parameter: array}}, kernels (out, in, height, width).
        path: of the file, for an error.
    Returns:
        {dispnet_encoder, flownet_type, seq_length: as in config.yaml}.
    Raises:
        InputError: they are those of no network of GeoNet.
    """
    options = {}
    for name, arrays in networks.items():
        kernels = [array.shape for array in arrays.values() if array.ndim == 4]
        if name == "pose_net":
            options["seq_length"] = _frames(kernels, path)
        elif name == "flow_net":
            channels = [shape[1] for shape in kernels if shape[2:] == (7, 7)]
            known = len(channels) == 1 and channels[0] in _FLOW_TYPES
            if not known:
                text = f"the first convolution of flow_net in {path} takes {_list(channels)}"
                raise InputError(f"{text} channels, expected 12 (residual) or 6 (direct)")
            options["flownet_type"] = _FLOW_TYPES[channels[0]]
        elif len(kernels) in _ENCODERS:
            options["dispnet_encoder"] = _ENCODERS[len(kernels)]
        else:
            text = f"depth_net in {path} has {len(kernels)} convolutions"
            raise InputError(f"{text}, expected 81 (resnet50) or 32 (vgg); use another copy")
    return options


def _frames(kernels, path):
    """seq_length of the pose network with such kernels."""
    inputs = [shape[1] for shape in kernels if shape[2:] == (7, 7)]
    outputs = [shape[0] for shape in kernels if shape[2:] == (1, 1)]
    frames = inputs[0] // 3 if inputs else 0
    if inputs != [3 * frames] or outputs != [6 * (frames - 1)] or frames < 2:
        text = f"pose_net in {path} takes {_list(inputs)} channels and gives {_list(outputs)}"
        raise InputError(f"{text}, expected 3 for each frame and 6 for each but one")
    return frames


def _list(numbers):
    return " and ".join(map(str, numbers[:3])) or "no"


def trainable_variables(networks):
    """{TensorFlow's name: parameter} of what can be trained, in the order of the networks.

    Args:
        networks: {name: Cell}.
    """
    return {
        f"{name}/{key}": parameter
        for name, network in networks.items()
        for key, parameter in tensorflow_names(network).items()
        if parameter.requires_grad
    }
