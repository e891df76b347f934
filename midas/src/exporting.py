"""Export of the network, with the sidecar of the 310 program."""

from pathlib import Path

import numpy as np

from .build import load_network
from .conv import use_plain_forms
from .model_utils.device import setup
from .model_utils.graph import export_graph
from .transforms import network_size


def export(config):
    """Export model_weights (or ckpt_path) at img_height x img_width to export_path/midas.

    Raises:
        InputError: a missing or unfitting checkpoint, or a format that this device cannot write.
        RunError: the exporter failed, or the written graph computes something else.
    """
    setup(config)
    net = load_network(config, config.model_weights or config.ckpt_path)
    use_plain_forms(net)
    aim = config.img_width, config.img_height
    width, height = network_size(*aim, aim, config.resize_method, False, config.ensure_multiple_of)
    image = np.random.default_rng(0).standard_normal((1, 3, height, width)).astype(np.float32)
    path = Path(config.export_path) / "midas"
    description = sidecar(height, width, config.nm_img_mean, config.nm_img_std)
    target, difference = export_graph(net, [image], path, config.file_format, description)
    print(f"wrote {target} and {path.name}.json, input 1x3x{height}x{width}")
    if difference is not None:
        print(f"loaded back: maximum difference {difference:.3g} on random input")


def sidecar(height, width, mean, std):
    """What the 310 program needs to know of the graph: how a picture becomes its input."""
    shape = {"dtype": "float32", "shape": [1, 3, height, width]}
    return {
        "format": 1,
        "model": "midas",
        "graph": "midas",
        "inputs": [{"name": "image", **shape, "layout": "NCHW", "source": "image"}],
        "image": {
            "color_order": "RGB",
            "crop": None,
            "resize": {
                "height": height,
                "width": width,
                "interpolation": "bicubic",
                "keep_aspect_ratio": False,
                "multiple_of": 1,
                "method": "exact",
            },
            "scale": 1 / 255,
            "mean": list(mean),
            "std": list(std),
        },
        "outputs": [
            {
                "name": "inverse_depth",
                "shape": [1, height, width],
                "dtype": "float32",
                "meaning": "inverse_depth",
            }
        ],
    }
