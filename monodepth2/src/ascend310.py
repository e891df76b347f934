"""The 310 path: Eigen's test images to .bin files, result .bin files to the metrics."""

import json
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .datasets.eigen import eigen_frames
from .datasets.gt_depths import NAME, read_gt_depths
from .model_utils.errors import InputError, shown
from .model_utils.files import write_bytes
from .model_utils.images import read_floats, read_rgb
from .sfm_utils.depth_evaluation import (
    EIGEN,
    EIGEN_BENCHMARK,
    mean_metrics,
    monodepth2_lines,
    score_depth,
)
from .sfm_utils.kitti import ENDINGS, KittiRaw, check_frames
from .sfm_utils.results import write_tensors
from .transforms import network_input

_PROTOCOLS = {"eigen": EIGEN, "eigen_benchmark": EIGEN_BENCHMARK}
_LARGEST = 1 << 14  # pixels of a side
_HINT = "run the 310 program, check --result_path"


class GraphFacts(NamedTuple):
    """What a graph's sidecar tells.

    Attributes:
        height, width: pixels at the network.
        metric_scale: metres per unit of depth, or None.
    """

    height: int
    width: int
    metric_scale: float


def graph_facts(mindir):
    """GraphFacts of an exported graph of disparity, from the .json beside it.

    Raises:
        InputError: it is missing, damaged, or of another graph.
    """
    path = Path(mindir).with_suffix(".json")
    try:
        sidecar = json.loads(path.read_text(encoding="utf-8"))
        (output,) = sidecar["outputs"]
        _, _, height, width = output["shape"]
        is_ours = (sidecar["model"], output["meaning"]) == ("monodepth2", "disparity")
        scale = output.get("metric_scale")
    except OSError:
        raise InputError(f"{path} does not exist; export.py writes it beside the graph") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise InputError(f"{path} is no sidecar of a graph of disparity; export again") from None
    sides = all(isinstance(side, int) and 0 < side <= _LARGEST for side in (height, width))
    is_scale = scale is None or (isinstance(scale, float) and 0 < scale < np.inf)
    if not (is_ours and sides and is_scale):
        text = f"a graph of disparity of Monodepth2, got {shown(sidecar['model'])}"
        raise InputError(f"{path}: expected {text} {height}x{width}; export again")
    return GraphFacts(height, width, scale)


def _stem(frame):
    """<date>/<drive>/<number>, as the images lie in KITTI."""
    return f"{frame.folder}/{frame.index:010d}"


def _protocol(split):
    if split not in _PROTOCOLS:
        raise InputError(f"eval_split {split}: the 310 path serves {' and '.join(_PROTOCOLS)}")
    return _PROTOCOLS[split]


def write_inputs(data_path, split, split_dir, folder, height, width):
    """Write <folder>/<date>/<drive>/<number>.bin of every image of a test set.

    A file is 1 x 3 x height x width float32, RGB 0..1, resized as in training.

    Args:
        data_path: folder of KITTI raw, jpg or png.
        split: eigen or eigen_benchmark.
        split_dir: folder of the lists.
        folder: where to.
        height, width: pixels at the network.
    Raises:
        InputError: the list or an image is missing or damaged.
    """
    _protocol(split)
    frames = eigen_frames(split_dir, split)
    ending = next((e for e in ENDINGS if KittiRaw(data_path, e).image(frames[0]).is_file()), None)
    tree = KittiRaw(data_path, ending or ENDINGS[0])
    check_frames(tree, frames, place=f"the list of {split}")
    for frame in frames:
        planes = network_input(read_rgb(tree.image(frame)), height, width)
        write_tensors(folder, _stem(frame), {"image": np.float32(planes) / 255})
    print(f"wrote {len(frames)} images to {folder}")


def score_results(split, split_dir, folder, facts):
    """Score the results <folder>/<date>/<drive>/<number>_0.bin, scaled disparities.

    Depth of a metric graph is taken as it is, any other is scaled by each image's medians.

    Args:
        split: eigen or eigen_benchmark; <split_dir>/<split>/gt_depths.npz is its ground truth.
        split_dir: folder of the lists.
        folder: result_path.
        facts: GraphFacts.
    Returns:
        ({metric: mean}, the original's lines).
    Raises:
        InputError: a result or the ground truth is missing or does not fit.
    """
    protocol = _protocol(split)
    frames, truth = eigen_frames(split_dir, split), Path(split_dir, split, NAME)
    depths = read_gt_depths(truth)
    if len(depths) != len(frames):
        text = f"{truth} has {len(depths)} depth maps for {len(frames)} images"
        raise InputError(f"{text}; write it with export_gt_depth.py")
    if facts.metric_scale is not None:
        protocol = replace(protocol, median=False, factor=facts.metric_scale)
    scores = []
    for frame, depth in zip(frames, depths):
        path = Path(folder, f"{_stem(frame)}_0.bin")
        disparity = read_floats(path, (facts.height, facts.width), _HINT)
        scores.append(score_depth(disparity, depth, protocol, str(path)))
    return mean_metrics(scores), monodepth2_lines(scores, protocol)


def write_metrics(path, split, metrics):
    """Write the means as JSON, {split: {metric: value}}."""
    write_bytes(path, json.dumps({split: metrics}, indent=1).encode())
