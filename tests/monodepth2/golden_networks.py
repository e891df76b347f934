"""Networks with the goldens' deterministic weights, and the arrays that they are fed with."""

import mindspore as ms
import numpy as np

from tests.golden_files import golden_dir
from tests.golden_weights import det

GOLDEN = golden_dir("monodepth2")
# Our names of a BatchNorm's parameters: (PyTorch's, kind of the goldens' values).
_NORM = {
    "gamma": ("weight", "gamma"),
    "beta": ("bias", "beta"),
    "moving_mean": ("running_mean", "mean"),
    "moving_variance": ("running_var", "var"),
}
_BLOCKS = 10  # of a decoder's convolutions, which the original wraps twice


def arrays(name):
    """All arrays of a golden .npz."""
    with np.load(GOLDEN / name) as file:
        return {key: file[key] for key in file.files}


def torch_name(name):
    """(PyTorch's key, kind) of a parameter."""
    head, _, last = name.rpartition(".")
    last, kind = _NORM.get(last, (last, last))
    words = head.split(".")
    if words[0] == "decoder" and int(words[1]) < _BLOCKS:
        head += ".conv"
    return f"{head}.{last}", kind


def filled(network, prefix):
    """The network with the goldens' values of a prefix, in evaluation mode."""
    for parameter in network.get_parameters():
        key, kind = torch_name(parameter.name)
        parameter.set_data(ms.Tensor(det(f"{prefix}/{key}", parameter.shape, kind)))
    return network.set_train(False)


def image(inputs, frame, kind="color", scale=0):
    """An image of inputs.npz as a network sees it, (B, 3, H, W) 0..1."""
    return ms.Tensor(inputs[f"{kind}_{frame}_{scale}"].astype(np.float32) / 255)
