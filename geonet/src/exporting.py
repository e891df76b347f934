"""What is exported of weights: graphs, their sidecars, inputs to check them with."""

from typing import Any, NamedTuple

import numpy as np

from .model_utils.checkpoint import prefix_names
from .model_utils.errors import InputError
from .networks.full_flow import FullFlow, RigidFlow
from .networks.serving import MOST_FRAMES, DepthGraph, DirectFlowGraph, FlowGraph, PoseGraph
from .prediction.predictors import offsets_of, pose_convention
from .weights import load

_NEEDED = {  # networks of each graph; of flow, those of a residual network
    "depth": ("depth_net",),
    "pose": ("pose_net",),
    "rigid_flow": ("depth_net", "pose_net"),
    "flow": ("depth_net", "pose_net", "flow_net"),
}
_CAMERA = {"K": "intrinsics", "inv_K": "inverse_intrinsics"}
_FOCAL = 0.58, 1.92  # widths and heights of an image, as KITTI's; of the inputs to check with


class Graph(NamedTuple):
    """A network to export.

    Attributes:
        name: depth, pose, rigid_flow or flow; of the file.
        cell: Cell.
        sidecar: what the 310 program needs to feed it.
        inputs: arrays of its inputs' shapes.
    """

    name: str
    cell: Any
    sidecar: dict
    inputs: list


def graphs_of(model, batch):
    """The Graphs that weights have networks for; a line names the others.

    Args:
        model: Model.
        batch: samples that a graph takes at a time.
    Raises:
        InputError: the weights' samples have more frames than a graph takes, or their size does
            not suit the networks.
    """
    facts, found = model.facts, model.weights.networks
    names = [name for name in _NEEDED if set(_needed(name, facts)) <= set(found)]
    for name in names:
        model.check({"rigid_flow": "depth"}.get(name, name), f"the graph {name}")
    if "pose_net" in found and facts.seq_length > MOST_FRAMES:
        text = f"{model.weights.path} is of seq_length {facts.seq_length}"
        raise InputError(f"{text}; a graph takes {MOST_FRAMES} frames at most")
    if missing := [name for name in _NEEDED if name not in names]:
        print(f"{model.weights.path} has no networks for {', '.join(missing)}")
    networks = load(model.weights, list(found))
    prefix_names(networks)
    descriptions = {name: sidecar(name, batch, facts) for name in names}
    return [
        Graph(name, _cell(name, networks, facts), described, random_inputs(described))
        for name, described in descriptions.items()
    ]


def _needed(name, facts):
    is_direct = name == "flow" and facts.flownet_type == "direct"
    return ("flow_net",) if is_direct else _NEEDED[name]


def _cell(name, networks, facts):
    """The Cell of a graph, in evaluation mode."""
    source = (facts.seq_length - 1) // 2  # the frame after the target
    if name == "depth":
        cell = DepthGraph(networks["depth_net"], facts.scale_normalize)
    elif name == "pose":
        cell = PoseGraph(networks["pose_net"])
    elif name == "rigid_flow":
        cell = FlowGraph(RigidFlow(networks, facts.scale_normalize, source=source))
    elif facts.flownet_type == "direct":
        cell = DirectFlowGraph(networks["flow_net"])
    else:
        flow = FullFlow(networks, facts.flownet_type, facts.scale_normalize, source)
        cell = FlowGraph(flow)
    return cell.set_train(False)


def sidecar(name, batch, facts):
    """How images become the inputs of a graph, and what comes out of it.

    Args:
        name: depth, pose, rigid_flow or flow.
        batch: of the graph.
        facts: Facts.
    """
    height, width = facts.img_height, facts.img_width
    return {
        "format": 1,
        "model": "geonet",
        "graph": name,
        "inputs": _inputs(name, batch, facts),
        "image": {
            "color_order": "RGB",
            "crop": None,
            "resize": {
                "height": height,
                "width": width,
                "interpolation": "pillow_lanczos" if name == "depth" else "pillow_bilinear",
                "keep_aspect_ratio": False,
                "multiple_of": 1,
                "method": "exact",
            },
            "scale": 2 / 255,
            "mean": [1.0, 1.0, 1.0],
            "std": [1.0, 1.0, 1.0],
        },
        "outputs": [{"dtype": "float32", **_output(name, batch, facts)}],
    }


def _inputs(name, batch, facts):
    """The inputs, in the order of the cell's arguments."""
    port = {"dtype": "float32", "layout": "NCHW"}
    shape = [batch, 3, facts.img_height, facts.img_width]
    is_direct = name == "flow" and facts.flownet_type == "direct"
    _, *sources = offsets_of(name, facts)
    frames = {"image": 0} | {f"source_{number}": frame for number, frame in enumerate(sources)}
    images = [
        {"name": key, "frame": frame, **port, "shape": shape, "source": "image"}
        for key, frame in frames.items()
    ]
    if name not in ("rigid_flow", "flow") or is_direct:
        return images
    cameras = [
        {"name": key, **port, "shape": [batch, 3, 3], "source": source}
        for key, source in _CAMERA.items()
    ]
    return [images[0], *cameras, *images[1:]]


def _output(name, batch, facts):
    height, width = facts.img_height, facts.img_width
    if name == "depth":
        output = {"shape": [batch, 1, height, width], "meaning": "depth"}
        return {"name": "depth", **output}
    if name == "pose":
        convention = pose_convention(facts.seq_length).sidecar["pose"]
        output = {"shape": [batch, len(convention["pairs"]), 6], "meaning": "pose"}
        return {"name": "pose", **output, "pose": convention}
    return {"name": "flow", "shape": [batch, 2, height, width], "meaning": "flow"}


def random_inputs(described):
    """An array for each input of a sidecar, the same each time: images -1..1, one camera."""
    rng = np.random.default_rng(0)
    height, width = (described["image"]["resize"][side] for side in ("height", "width"))
    K = np.float64([[_FOCAL[0] * width, 0, width / 2], [0, _FOCAL[1] * height, height / 2]])
    K = np.concatenate([K, [[0, 0, 1]]])
    matrices = {"intrinsics": K, "inverse_intrinsics": np.linalg.inv(K)}
    arrays = []
    for port in described["inputs"]:
        if port["source"] == "image":
            array = 2 * rng.random(port["shape"], np.float32) - 1
        else:
            array = np.broadcast_to(np.float32(matrices[port["source"]]), port["shape"]).copy()
        arrays.append(array)
    return arrays
