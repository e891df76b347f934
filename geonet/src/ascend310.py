"""The 310 path: images of KITTI's depth test sets to .bin files, result .bin files to metrics."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .evaluation import Places
from .evaluation.depth import open_test_set, score
from .evaluation.reading import LANCZOS, read_planes
from .model_utils.errors import InputError, shown
from .model_utils.images import read_floats
from .sfm_utils.results import write_tensors

_LARGEST = 1 << 14  # pixels of a side
_HINT = "run the 310 program, check --result_path"


class GraphSize(NamedTuple):
    """Pixels at the network, of a graph of depth."""

    height: int
    width: int


def graph_size(mindir):
    """GraphSize of an exported graph of depth, from the .json beside it.

    Raises:
        InputError: it is missing, damaged, or of another graph.
    """
    path = Path(mindir).with_suffix(".json")
    try:
        sidecar = json.loads(path.read_text(encoding="utf-8"))
        (output,) = sidecar["outputs"]
        found = sidecar["model"], output["meaning"]
        _, _, height, width = output["shape"]
    except OSError:
        raise InputError(f"{path} does not exist; export.py writes it beside the graph") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise InputError(f"{path} is no sidecar of a graph of depth; export it again") from None
    sides = all(isinstance(side, int) and 0 < side <= _LARGEST for side in (height, width))
    if found != ("geonet", "depth") or not sides:
        text = f"expected a graph of depth of GeoNet, got {' '.join(map(shown, found))}"
        raise InputError(f"{path}: {text} {shown(height)}x{shown(width)}; export it again")
    return GraphSize(height, width)


def open_data(dataset_dir, split, split_dir, limits=(0.0, np.inf)):
    """The test set whose images are predicted, see `open_test_set`.

    Args:
        dataset_dir: folder of KITTI raw, or of the stereo data of 2015.
        split: eigen or stereo.
        split_dir: folder that may hold the list of the test set.
        limits: (min_depth, max_depth), metres, for scores.
    Raises:
        InputError: no folder is given, or it is none of the data set.
    """
    if not dataset_dir:
        raise InputError(f"dataset_dir is missing; give the folder of the split {split}")
    return open_test_set(dataset_dir, split, split_dir, *limits)


def _stem(test, image):
    """The name of an image's files: its place in the data set, without the ending."""
    return image.relative_to(test.root).with_suffix("").as_posix()


def write_inputs(test, folder, size):
    """Write <folder>/<its place in the data set>.bin of every image of a test set.

    A file is 1 x 3 x height x width float32, RGB -1..1, resized as the original's test does it.

    Args:
        test: EigenSet or StereoSet.
        folder: where to.
        size: GraphSize.
    Raises:
        InputError: an image is missing or damaged.
    """
    images = test.images()
    for path in images:
        planes = read_planes(path, *size, LANCZOS)
        values = np.float32(planes) * np.float32(2 / 255) - np.float32(1)
        write_tensors(folder, _stem(test, path), {"image": values})
    print(f"wrote {len(images)} images to {folder}")


def score_results(test, folder, size, result_file):
    """Score the results <folder>/<place in the data set>_0.bin as eval.py does.

    Args:
        test: EigenSet or StereoSet with its ground truth.
        folder: result_path.
        size: GraphSize.
        result_file: for the mean metrics; one line per image is written beside it, .csv.
    Raises:
        InputError: a result or the ground truth is missing or does not fit.
    """
    if text := test.missing_truth():
        raise InputError(text)
    paths = [Path(folder, f"{_stem(test, path)}_0.bin") for path in test.images()]
    depths = np.stack([read_floats(path, size, _HINT) for path in paths])
    wrong = np.flatnonzero((depths <= 0).any((1, 2)))
    if wrong.size:
        text = "holds values that are no depths, which are above 0"
        raise InputError(f"{paths[wrong[0]]} {text}; run the 310 program again")
    json_file = Path(result_file)
    places = Places(Path(folder), json_file, json_file.with_suffix(".csv"))
    places.check()
    score(depths, test, places, [], (0, ""))
