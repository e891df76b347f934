"""What is exported of a folder of weights: graphs, their sidecars, inputs to check them with."""

from typing import Any, NamedTuple

import numpy as np
from mindspore import nn, ops

from .prediction.loading import disparity_cell, has_pair_poses, pose_cell
from .prediction.metres import POSES

_IMAGES = {"depth": {"image": 0}, "pose": {"image": 0, "after": 1}}  # {graph: {input: its frame}}


class Graph(NamedTuple):
    """A network to export.

    Attributes:
        name: depth or pose; of the file.
        cell: Cell of one image, or two.
        sidecar: what the 310 program needs to feed it.
        inputs: arrays of its inputs' shapes.
    """

    name: str
    cell: Any
    sidecar: dict
    inputs: list


def graphs_of(folder, record, batch, device):
    """The Graph of disparity, and that of poses where the folder has such networks.

    Args:
        folder: of weights.
        record: from `read_folder_record`.
        batch: images that a graph takes at a time.
        device: Device.
    Raises:
        InputError: see `load_folder`.
    """
    cells = {"depth": disparity_cell(folder, record, "O0", device)}
    if has_pair_poses(folder):
        cells["pose"] = pose_cell(folder, record, "O0", device)
    else:
        print(f"{folder} has no pose_encoder and pose of two images: depth alone is exported")
    size = batch, record["height"], record["width"]
    scale = record["metric_scale"]
    return [
        Graph(name, cell, sidecar(name, *size, scale), random_images(name, *size))
        for name, cell in cells.items()
    ]


def random_images(name, batch, height, width):
    """(batch, 3, height, width) float32 in 0..1 for each input of a graph; the same each time."""
    rng = np.random.default_rng((batch, height, width))
    return [rng.random((batch, 3, height, width), np.float32) for _ in _IMAGES[name]]


def sidecar(name, batch, height, width, metric_scale):
    """How images become the inputs of a graph, and what comes out of it.

    Args:
        name: depth or pose.
        batch, height, width: of the graph.
        metric_scale: metres per unit of depth, or None.
    """
    image = {"dtype": "float32", "shape": [batch, 3, height, width]}
    image |= {"layout": "NCHW", "source": "image"}
    if name == "depth":
        output = {"name": "disparity", "shape": [batch, 1, height, width], "meaning": "disparity"}
    else:
        output = {"name": "pose", "shape": [batch, 1, 6], "meaning": "pose"}
        output["pose"] = POSES.sidecar["pose"]
    if metric_scale is not None:
        output["metric_scale"] = metric_scale
    return {
        "format": 1,
        "model": "monodepth2",
        "graph": name,
        "inputs": [{"name": key, "frame": frame, **image} for key, frame in _IMAGES[name].items()],
        "image": {
            "color_order": "RGB",
            "crop": None,
            "resize": {
                "height": height,
                "width": width,
                "interpolation": "pillow_lanczos",
                "keep_aspect_ratio": False,
                "multiple_of": 1,
                "method": "exact",
            },
            "scale": 1 / 255,
            "mean": [0.0, 0.0, 0.0],
            "std": [1.0, 1.0, 1.0],
        },
        "outputs": [{"dtype": "float32", **output}],
    }


class SplitElu(nn.Cell):
    """ELU of operators that MindSpore can write to ONNX."""

    def construct(self, x):
        """Any shape; equal to nn.ELU up to rounding."""
        return ops.relu(x) + ops.exp(-ops.relu(-x)) - 1


def use_split_elu(cell):
    """Replace each ELU in a network."""
    for _, part in cell.cells_and_names():
        if isinstance(getattr(part, "elu", None), nn.ELU):
            part.elu = SplitElu()
