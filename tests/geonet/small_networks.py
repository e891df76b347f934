"""Networks with the names and the telling shapes of GeoNet's, but few numbers, and their files.

What reads weights does not look at more than these shapes before it fills a network.
"""

import mindspore as ms
import numpy as np
from mindspore import Parameter, nn

from geonet.src.model_utils.checkpoint import save_networks

RECORD = {
    "mode": "train_rigid",
    "dispnet_encoder": "vgg",
    "scale_normalize": False,
    "flownet_type": "residual",
    "img_height": 64,
    "img_width": 128,
    "seq_length": 3,
    "step": 700,
}


class SmallNetwork(nn.Cell):
    """Parameters of given shapes, filled with one number."""

    def __init__(self, shapes, value):
        super().__init__()
        for number, shape in enumerate(shapes):
            array = np.full(shape, value, np.float32)
            setattr(self, f"weight{number}", Parameter(ms.Tensor(array), name=f"weight{number}"))


def small_shapes(dispnet_encoder="vgg", flownet_type="residual", seq_length=3):
    """{network: shapes of its parameters}."""
    count = {"vgg": 32, "resnet50": 81}[dispnet_encoder]
    channels = {"residual": 12, "direct": 6}[flownet_type]
    return {
        "depth_net": [(1, 1, 3, 3)] * count,
        "pose_net": [(1, 3 * seq_length, 7, 7), (6 * (seq_length - 1), 1, 1, 1), (1,)],
        "flow_net": [(1, channels, 7, 7)],
    }


def small_networks(names, value=0.0, **options):
    """{name: SmallNetwork}; see `small_shapes` for the options."""
    shapes = small_shapes(**options)
    return {name: SmallNetwork(shapes[name], value) for name in names}


def save_small(path, names, value=1.0, record=(), **options):
    """Write a .ckpt as a training does."""
    networks = small_networks(names, value, **options)
    save_networks(networks, path, {**RECORD, "networks": list(names), **options, **dict(record)})
    return path
