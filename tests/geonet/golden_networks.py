"""Networks with the goldens' deterministic weights, and the arrays that they are fed with."""

import mindspore as ms
import numpy as np

from geonet.src.model_utils.checkpoint import prefix_names, save_networks
from geonet.src.networks import make_networks
from geonet.src.networks.layers import ConvLayer
from tests.golden_files import golden_dir
from tests.golden_weights import det

GOLDEN = golden_dir("geonet")
# Our names of a layer's parameters: (TensorFlow's, kind of the goldens' values).
_ENTRIES = {
    "weight": ("weights", "weight"),
    "bias": ("biases", "bias"),
    "norm.beta": ("BatchNorm/beta", "beta"),
    "norm.moving_mean": ("BatchNorm/moving_mean", "mean"),
    "norm.moving_variance": ("BatchNorm/moving_variance", "var"),
}
# The convolutions with two outputs, whose values the goldens of train_flow multiply by 0.1.
_FLOW_HEADS = tuple(f"flow_net/Conv_{number}/" for number in (71, 74, 77, 80))


def arrays(name):
    """All arrays of a golden .npz."""
    with np.load(GOLDEN / name) as file:
        return {key: file[key] for key in file.files}


def variables(network, scope):
    """{TensorFlow's name: (parameter, kind)}, the layers in the order of their making."""
    layers = [cell for _, cell in network.cells_and_names() if isinstance(cell, ConvLayer)]
    found = {}
    for number, layer in enumerate(layers):
        place = f"{scope}/Conv_{number}" if number else f"{scope}/Conv"
        parts = {"weight": layer.weight}
        if layer.is_head:
            parts["bias"] = layer.bias
        else:
            kinds = ("beta", "moving_mean", "moving_variance")
            parts.update({f"norm.{kind}": getattr(layer.norm, kind) for kind in kinds})
        for entry, parameter in parts.items():
            name, kind = _ENTRIES[entry]
            found[f"{place}/{name}"] = parameter, kind
    return found


def filled(names, **options):
    """{name: network} with the goldens' values, in evaluation mode; see `make_networks`."""
    networks = make_networks(names, **options)
    for name, network in networks.items():
        network.set_train(False)
        for key, (parameter, kind) in variables(network, name).items():
            value = det(key, parameter.shape, kind)
            if "flow_net" in names and key.startswith(_FLOW_HEADS):
                value = value * np.float32(0.1)
            parameter.set_data(ms.Tensor(value))
    return networks


def planes(images):
    """uint8 (B, H, W, C) -> (B, C, H, W)."""
    return ms.Tensor(np.ascontiguousarray(np.moveaxis(images, 3, 1)))


def last_axis(maps):
    """(B, C, H, W) -> (B, H, W, C)."""
    return np.moveaxis(maps.asnumpy(), 1, 3)


def inputs(values):
    """target, sources, K and inverse K of a golden's `seq` and `K`."""
    seq, K = planes(values["seq"]), np.float32(values["K"])
    inverse = np.float32(np.linalg.inv(np.float64(K)))
    return seq[:, :3], seq[:, 3:], ms.Tensor(K), ms.Tensor(inverse)


def save_filled(path, names, **options):
    """A .ckpt with the goldens' values, of images of their size, as a training leaves it.

    Args:
        path: of the file.
        names: of networks.
        options: dispnet_encoder, flownet_type, seq_length; the rest of the record.
    """
    kind = {"dispnet_encoder": "vgg", "flownet_type": "residual", "seq_length": 3}
    kind |= {key: value for key, value in options.items() if key in kind}
    networks = filled(names, **kind)
    if len(names) > 1:
        prefix_names(networks)
    height, width = arrays("train_inputs.npz")["seq"].shape[1:3]
    record = {"networks": list(names), "mode": "train_rigid", "step": 7, "scale_normalize": False}
    record |= {"img_height": height, "img_width": width, **kind, **options}
    save_networks(networks, path, record)
    return path
