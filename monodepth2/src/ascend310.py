"""The 310 path: Eigen's test images to .bin files, result .bin files to the metrics."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .evaluation import Places
from .evaluation.depth import TestSet
from .evaluation.predicting import read_planes
from .evaluation.protocols import choose_protocol
from .model_utils.errors import InputError, shown
from .model_utils.images import read_floats
from .sfm_utils.eigen import SPLITS
from .sfm_utils.results import write_tensors

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
    is_scale = scale is None or (isinstance(scale, (int, float)) and 0 < scale < np.inf)
    if not (is_ours and sides and is_scale):
        text = f"a graph of disparity of Monodepth2, got {shown(sidecar['model'])}"
        raise InputError(f"{path}: expected {text} {height}x{width}; export again")
    return GraphFacts(height, width, scale)


def open_test_set(split, split_dir, data_path, needs_truth):
    """TestSet of Eigen's frames.

    Args:
        split: eigen or eigen_benchmark.
        split_dir: folder of the lists and of <split>/gt_depths.npz.
        data_path: folder of KITTI raw.
        needs_truth: whether a missing ground truth is an error.
    Raises:
        InputError: another split; the list or the ground truth is missing.
    """
    if split not in SPLITS:
        raise InputError(f"eval_split {split}: the 310 path serves {' and '.join(SPLITS)}")
    return TestSet(split, split_dir, data_path, needs_truth)


def _stem(frame):
    """<date>/<drive>/<number>, as the images lie in KITTI."""
    return f"{frame.folder}/{frame.index:010d}"


def write_inputs(test, folder, height, width):
    """Write <folder>/<date>/<drive>/<number>.bin of every image of a test set.

    A file is 1 x 3 x height x width float32, RGB 0..1, resized as in training.

    Args:
        test: TestSet.
        folder: where to.
        height, width: pixels at the network.
    Raises:
        InputError: an image is missing or damaged.
    """
    for frame, path in zip(test.frames, test.images()):
        planes = read_planes(path, height, width)
        write_tensors(folder, _stem(frame), {"image": np.float32(planes) / 255})
    print(f"wrote {len(test.frames)} images to {folder}")


def score_results(test, folder, facts, result_file):
    """Score the results <folder>/<date>/<drive>/<number>_0.bin as eval.py does.

    Depth of a metric graph is taken as it is, any other is scaled by each image's medians.

    Args:
        test: TestSet with its ground truth.
        folder: result_path.
        facts: GraphFacts.
        result_file: for the mean metrics; one line per image is written beside it, .csv.
    Raises:
        InputError: a result or the ground truth is missing or does not fit.
    """
    scaling = {"mono": facts.metric_scale is None, "stereo": facts.metric_scale is not None}
    protocol = choose_protocol(test.split, **scaling, metric_scale=facts.metric_scale)
    paths = [Path(folder, f"{_stem(frame)}_0.bin") for frame in test.frames]
    disparities = [read_floats(path, (facts.height, facts.width), _HINT) for path in paths]
    wrong = next((path for path, one in zip(paths, disparities) if not (one > 0).all()), None)
    if wrong is not None:
        raise InputError(f"{wrong} holds values that are not above 0; run the 310 program again")
    files = {"metrics_json": Path(result_file), "csv_file": Path(result_file).with_suffix(".csv")}
    test.evaluate(disparities, protocol, Places(folder=Path(folder), **files))
