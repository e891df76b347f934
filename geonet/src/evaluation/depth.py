"""Depth: predicted with a network (test_depth), and compared with the ground truth (eval_depth).

Lines, files and numbers are those of the original's geonet_test_depth.py and eval_depth.py.
"""

import functools
from pathlib import Path

import numpy as np

from ..model_utils.batches import batched, show_progress
from ..model_utils.errors import InputError
from ..model_utils.files import is_file
from ..model_utils.images import write_npy
from ..model_utils.metrics import NAMES
from ..sfm_utils.depth_evaluation import geonet_lines, mean_metrics
from ..sfm_utils.report_parts import DepthResults
from .eigen_set import EigenSet
from .page import write_depth_page
from .panels import write_panels
from .reading import LANCZOS, read_ahead, read_planes
from .stereo_set import StereoSet

_SETS = {"eigen": EigenSet, "stereo": StereoSet}
_SAY_EVERY = 100  # images between lines of progress, as in the original


def open_test_set(root, split, split_dir, min_depth, max_depth):
    """EigenSet or StereoSet.

    Args:
        root: folder of the data set.
        split: eigen or stereo.
        split_dir: folder that may hold the list whose order predictions follow.
        min_depth, max_depth: metres, limits of what counts.
    Raises:
        InputError: no such data set, or limits that leave nothing.
    """
    if not min_depth < max_depth:
        raise InputError(f"min_depth {min_depth:g} is not below max_depth {max_depth:g}")
    if not Path(root).is_dir():
        raise InputError(f"{root} is missing; expected the folder of the data set {split}")
    return _SETS[split](root, split_dir, (min_depth, max_depth))


def read_depths(path):
    """Predicted depths of a .npy.

    Args:
        path: what test_depth writes, or another program.
    Returns:
        (N, h, w) float, > 0, up to scale.
    Raises:
        InputError: missing, damaged, or no depths.
    """
    if not is_file(path):
        raise InputError(f"pred_file {path} is missing; --mode test_depth writes it")
    try:
        # Mapped first: a damaged header must not take more memory than the file has bytes.
        depths = np.array(np.load(path, mmap_mode="r", allow_pickle=False))
    except Exception as err:  # numpy raises many kinds for what is damaged
        raise InputError(f"{path} is damaged or no .npy of depths (N, h, w)") from err
    if depths.ndim != 3 or depths.dtype.kind != "f" or not depths.size:
        shape = "x".join(map(str, depths.shape))
        raise InputError(f"{path} is {shape} {depths.dtype}; expected depths (N, h, w) float")
    if not (np.isfinite(depths).all() and (depths > 0).all()):
        raise InputError(f"{path} holds values that are no depths: they must be above 0")
    return np.float32(depths)


def test(model, dataset_dir, kitti_dir, test_set, places, workers, panels, report=None):
    """Predict a test set, and compare it with the ground truth if that is there (test_depth).

    Args:
        model: Model.
        dataset_dir: folder of the images.
        kitti_dir: folder of the ground truth; "": dataset_dir, where it may be missing.
        test_set: (split, split_dir, min_depth, max_depth); see `open_test_set`.
        places: Places; the folder gets <name of the weights>.npy.
        workers: threads that read images.
        panels: (how many of the worst and of the best images to draw, folder for them).
        report: ReportPlace, or None.
    Raises:
        InputError: the weights do not serve, or a file is missing or damaged.
    """
    model.check("depth")
    data = open_test_set(dataset_dir, *test_set)
    truth = open_test_set(kitti_dir, *test_set) if kitti_dir else data
    images, gap = data.images(), truth.missing_truth()
    if gap and (kitti_dir or report):
        raise InputError(f"{'kitti_dir' if kitti_dir else 'report'}: {gap}")
    if truth.names != data.names:
        text = f"the {len(truth.names)} scenes of kitti_dir {kitti_dir} are not"
        raise InputError(f"{text} the {len(data.names)} of dataset_dir {dataset_dir}")
    places.check(places.folder)
    path = places.folder / f"{model.name}.npy"
    if gap:
        print(f"the predictions will not be evaluated: {gap}", flush=True)
    depths = predict(model, images, workers)
    write_npy(path, depths)
    print(f"wrote {path}", flush=True)
    if not gap:
        score(depths, truth, places, images, panels, report)
        return
    command = f"--mode eval_depth --split {data.name} --kitti_dir KITTI --pred_file {path}"
    print(f"to evaluate them: python eval.py {command}", flush=True)


def predict(model, images, workers):
    """The depth of each image.

    Args:
        model: Model.
        images: paths.
        workers: threads that read images.
    Returns:
        (N, h, w) float32, up to scale, at the network's size.
    """
    depth_of, (height, width) = model.depth(), model.size
    read = functools.partial(read_planes, height=height, width=width, resampling=LANCZOS)
    found, done, progress = [], 0, show_progress("images")
    for part in batched(read_ahead(read, images, workers), model.batch_size):
        if done % _SAY_EVERY == 0:
            print(f"processing: {done}/{len(images)}", flush=True)
        found.append(depth_of(np.stack(part)))
        done += len(part)
        progress(done, len(images))
    return np.concatenate(found)


def evaluate_file(pred_file, kitti_dir, test_set, places, panels, report=None):
    """Compare a file of depths with the ground truth (eval_depth).

    Args:
        pred_file: see `read_depths`.
        kitti_dir: folder of the ground truth.
        test_set: (split, split_dir, min_depth, max_depth); see `open_test_set`.
        places: Places.
        panels: (how many of the worst and of the best images to draw, folder for them).
        report: ReportPlace, or None.
    Raises:
        InputError: a file is missing or damaged, or the file holds another number of depths.
    """
    test = open_test_set(kitti_dir, *test_set)
    if text := test.missing_truth():
        raise InputError(text)
    images = test.images() if panels[0] or report else []
    depths = read_depths(pred_file)
    places.check()
    print(f"evaluating {pred_file}...", flush=True)
    score(depths, test, places, images, panels, report)


def score(depths, test, places, images, panels, report=None):
    """Print the original's two lines, and write the numbers, panels and the report.

    Args:
        depths: (N, h, w) float32, in the order of the test set.
        test: EigenSet or StereoSet.
        places: Places.
        images: paths of the images, if panels or a report are wanted.
        panels: (how many of the worst and of the best images to draw, folder for them).
        report: ReportPlace, or None.
    Raises:
        InputError: another number of depths, or damaged ground truth.
    """
    if len(depths) != len(test.names):
        counts = f"{len(depths)} predictions for the {len(test.names)} frames of {test.name}"
        raise InputError(f"{counts} in {test.root}; they must follow its order")
    results, progress = [], show_progress("ground truth")
    for number, depth in enumerate(depths):
        results.append(test.result(number, depth))
        progress(number + 1, len(depths))
    scores = [result.score for result in results]
    means, d1 = mean_metrics(scores), None
    if results[0].d1 is not None:
        d1 = np.mean([result.d1 for result in results], 0)
    print("\n".join(geonet_lines(means, 0.0 if d1 is None else d1[0])), flush=True)
    numbers = {**means, "images": len(scores)}
    if d1 is not None:
        numbers |= {"d1_all_unscaled": float(d1[0]), "d1_all_scaled": float(d1[1])}
        print(f"d1_all takes 1 / depth as disparity: {d1[0]:.4f}; scaled by medians: {d1[1]:.4f}")
    places.write([_row(*pair) for pair in zip(test.names, results)], numbers)
    found = DepthResults(
        images, test.names, test.target, depths, scores, test.protocol, test.camera
    )
    if panels[0]:
        write_panels(panels, found.picture, [score.metrics["abs_rel"] for score in scores])
    if report:
        write_depth_page(report, test.name, found)


def _row(name, result):
    """A frame's line in the CSV file."""
    row = {"frame": name, **{key: result.score.metrics[key] for key in NAMES}}
    if result.d1 is not None:
        row |= dict(zip(("d1_all_unscaled", "d1_all_scaled"), result.d1))
    return {**row, "valid_pixels": result.score.valid_pixels, "ratio": result.score.ratio}
