"""Export of CoarseNet, FineNet, or both as one graph, with the sidecar of the 310 program."""

from pathlib import Path

import numpy as np

from . import transforms
from .model_utils.checkpoint import load_parameters
from .model_utils.device import setup
from .model_utils.graph import export_graph
from .network import CoarseNet, DepthNet, FineNet
from .sizes import DEPTH_SIZE, IMAGE_SIZE

_NAMES = {"coarse": "FinalCoarseNet", "fine": "FinalFineNet", "both": "DepthNet"}


def export(config):
    """Export what `config.coarse_or_fine` names into `config.export_path`.

    Raises:
        InputError: a missing or unfitting checkpoint, or a format that this device cannot write.
        RunError: the written graph computes something else.
    """
    setup(config)
    kind = config.coarse_or_fine
    net = _network(kind, config)
    inputs = _random_inputs(kind)
    path = Path(config.export_path) / _NAMES[kind]
    target, difference = export_graph(net, inputs, path, config.file_format, sidecar(kind))
    print(f"wrote {target} and {path.name}.json")
    if difference is not None:
        print(f"loaded back: maximum difference {difference:.3g} on random input")


def sidecar(kind):
    """What the 310 program needs to know of a graph (coarse, fine or both)."""
    height, width = IMAGE_SIZE
    top, left, rows, columns = transforms.CROP
    picture = {"name": "rgb", "shape": [1, 3, height, width], "source": "image"}
    depth = {"name": "coarse", "shape": [1, 1, *DEPTH_SIZE], "source": "previous_output"}
    inputs = [picture, depth] if kind == "fine" else [picture]
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


def _network(kind, config):
    files = {"coarse": config.coarse_ckpt_model, "fine": config.fine_ckpt_model}
    nets = {"coarse": CoarseNet(), "fine": FineNet()}
    for name, net in nets.items():
        if kind in (name, "both"):
            load_parameters(net, files[name])
    return DepthNet(**nets) if kind == "both" else nets[kind]


def _random_inputs(kind):
    rng = np.random.default_rng(0)
    rgb = rng.random((1, 3, *IMAGE_SIZE), np.float32)
    return [rgb, rng.random((1, 1, *DEPTH_SIZE), np.float32)] if kind == "fine" else [rgb]
