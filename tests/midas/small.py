"""A network small enough to train in a test: its flags, itself, and a checkpoint of it."""

import mindspore as ms

from midas.src.model_utils.checkpoint import save_networks
from midas.src.networks import MidasNet

OPTIONS = {"layers": [1, 1, 1, 1], "features": 8, "groups": 2, "width_per_group": 8}
SMALL = ["--layers", 1, 1, 1, 1, "--features", 8, "--groups", 2, "--width_per_group", 8]


def small_network(seed=0, **options):
    """MidasNet of those options with random weights."""
    ms.set_seed(seed)
    return MidasNet(**{**OPTIONS, **options})


def save_positive(path):
    """Write a small network whose map is positive nearly everywhere, and not flat."""
    network = small_network()
    bias = network.scratch.output_conv[4].bias
    bias.set_data(bias.value() + 5)
    save_networks({"midas": network}, path)
    return path
