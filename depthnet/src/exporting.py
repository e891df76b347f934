"""Export of CoarseNet, FineNet, or both as one graph, with the sidecar of the 310 program."""

import numpy as np

from . import transforms
from .model_utils.checkpoint import load_networks, must_exist
from .model_utils.context import without_values
from .networks import CoarseNet, DepthNet, FineNet
from .transforms import DEPTH_SIZE, IMAGE_SIZE

NAMES = {"coarse": "FinalCoarseNet", "fine": "FinalFineNet", "both": "DepthNet"}


def load_graph_network(kind, coarse_ckpt, fine_ckpt):
    """The network of a graph (coarse, fine or both) with its weights.

    Raises:
        InputError: a missing or unfitting checkpoint.
    """
    wanted = {"coarse": (CoarseNet, coarse_ckpt), "fine": (FineNet, fine_ckpt)}
    wanted = {name: parts for name, parts in wanted.items() if kind in (name, "both")}
    must_exist(*(path for _, path in wanted.values()))
    with without_values():
        nets = {name: make() for name, (make, _) in wanted.items()}
    for name, net in nets.items():
        load_networks({name: net}, wanted[name][1])
    return DepthNet(**nets) if kind == "both" else nets[kind]


def random_inputs(kind):
    """Arrays of the graph's input shapes, to compare what is written with the network."""
    rng = np.random.default_rng(IMAGE_SIZE)
    rgb = rng.random((1, 3, *IMAGE_SIZE), np.float32)
    return [rgb, rng.random((1, 1, *DEPTH_SIZE), np.float32)] if kind == "fine" else [rgb]


def sidecar(kind):
    """What the 310 program needs to know of a graph (coarse, fine or both)."""
    height, width = IMAGE_SIZE
    top, left, rows, columns = transforms.CROP
    image = {"name": "rgb", "shape": [1, 3, height, width], "source": "image"}
    depth = {"name": "coarse", "shape": [1, 1, *DEPTH_SIZE], "source": "previous_output"}
    inputs = [image, depth] if kind == "fine" else [image]
    meaning = "depth" if kind == "both" else "log_depth"
    return {
        "format": 1,
        "model": "depthnet",
        "graph": kind,
        "inputs": [{**item, "dtype": "float32", "layout": "NCHW"} for item in inputs],
        "image": {
            "color_order": "RGB",
            "crop": {
                "reference_size": list(transforms.FRAME_SIZE),
                "top": top,
                "left": left,
                "height": rows,
                "width": columns,
            },
            "resize": {
                "height": height,
                "width": width,
                "interpolation": "bilinear",
                "keep_aspect_ratio": False,
                "multiple_of": 1,
                "method": "exact",
            },
            "scale": 1 / 255,
            "mean": [0.0, 0.0, 0.0],
            "std": [1.0, 1.0, 1.0],
        },
        "outputs": [
            {
                "name": meaning,
                "shape": [1, 1, *DEPTH_SIZE],
                "dtype": "float32",
                "meaning": meaning,
            }
        ],
    }
