"""Depth on KITTI's test sets: eigen, eigen_benchmark, and the benchmark that its server scores.

Lines, numbers and files are the original's (evaluate_depth.py).
"""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

from ..datasets.eigen import SPLITS, eigen_frames
from ..datasets.gt_depths import NAME, read_gt_depths
from ..datasets.kitti import archive_of
from ..model_utils.errors import InputError
from ..model_utils.files import is_file, write_bytes
from ..model_utils.images import write_npy, write_png
from ..model_utils.metrics import NAMES
from ..sfm_utils.depth_evaluation import (
    EIGEN,
    EIGEN_BENCHMARK,
    STEREO_SCALE,
    benchmark_image,
    mean_metrics,
    monodepth2_lines,
    score_depth,
    stereo_protocol,
)
from ..sfm_utils.kitti import ENDINGS, KittiRaw
from ..sfm_utils.lists import read_split
from .external import read_disparities
from .panels import write_panels
from .predicting import predict_disparities

BENCHMARK = "benchmark"
_PROTOCOLS = {"eigen": EIGEN, "eigen_benchmark": EIGEN_BENCHMARK, BENCHMARK: EIGEN_BENCHMARK}


def choose_protocol(split, *, mono, stereo, keep_scale=False, factor=1.0):
    """How predictions are scaled and compared.

    Args:
        split: the test set.
        mono, stereo: eval_mono and eval_stereo, exactly one of which must be given.
        keep_scale: no scaling by medians (disable_median_scaling); stereo implies it.
        factor: multiplies depth (pred_depth_scale_factor); 5.4 for stereo.
    Returns:
        DepthProtocol.
    Raises:
        InputError: none or both of mono and stereo.
    """
    if mono == stereo:
        text = "Please choose mono or stereo evaluation by setting either --eval_mono or"
        raise InputError(f"{text} --eval_stereo")
    if stereo:
        return stereo_protocol(_PROTOCOLS[split])
    return replace(_PROTOCOLS[split], median=not keep_scale, factor=factor)


class TestSet:
    """A test set: its frames, images and ground truth.

    Args:
        split: eigen, eigen_benchmark or benchmark.
        split_dir: folder of the lists and of <split>/gt_depths.npz.
        data_path: folder of KITTI raw; of benchmark, the folder with its image/.
        needs_truth: whether a missing ground truth is an error.
    Raises:
        InputError: the list or the ground truth is missing; the line says what writes it.
    """

    def __init__(self, split, split_dir, data_path, needs_truth=True):
        self.split, self.split_dir, self.data_path = split, split_dir, data_path
        if split in SPLITS:
            self.frames = eigen_frames(split_dir, split)
        else:
            self.frames = read_split(Path(split_dir, split, "test_files.txt"))
        self.truth = Path(split_dir, split, NAME)
        if needs_truth and split != BENCHMARK and not is_file(self.truth):
            command = f"python export_gt_depth.py --data_path {data_path} --split {split}"
            raise InputError(f"{self.truth} is missing; {command} --split_dir {split_dir}")

    def images(self):
        """The image of each frame.

        Raises:
            InputError: one is missing; the line names the archive that holds it.
        """
        trees = [KittiRaw(self.data_path, ending) for ending in ENDINGS]
        return [self._image(frame, trees) for frame in self.frames]

    def _image(self, frame, trees):
        is_benchmark = self.split == BENCHMARK
        paths = [tree.image(frame) for tree in trees]
        if is_benchmark:  # as KITTI packs them
            paths += [Path(self.data_path, "image", path.name) for path in paths]
        path = next(filter(is_file, paths), None)
        if path is None:
            archive = "data_depth_selection.zip" if is_benchmark else archive_of(frame, "drive")
            raise InputError(f"{paths[0]} (or .png) is missing; unpack KITTI's {archive} there")
        return path

    def read(self, path, only_benchmark):
        """The disparities (N, h, w) of another program; see `read_disparities`."""
        return read_disparities(path, self.split, self.split_dir, only_benchmark)

    def predict(self, model, *, batch_size, post_process, workers):
        """The scaled disparities (N, h, w) of a Model, with the original's lines."""
        images, size = self.images(), model.size
        cell = model.disparity()
        print("-> Computing predictions with size {1}x{0}".format(*size), flush=True)
        options = {"batch_size": batch_size, "post_process": post_process, "workers": workers}
        return predict_disparities(cell, images, size=size, **options)

    def save(self, disparities, folder):
        """Write disps_<split>_split.npy, as the original does."""
        path = Path(folder) / f"disps_{self.split}_split.npy"
        print(f"-> Saving predicted disparities to  {path}")
        write_npy(path, disparities)

    def evaluate(self, disparities, protocol, places, panels=0, panels_path="panels"):
        """Score disparities, or write what KITTI's server takes.

        Args:
            disparities: (N, h, w), in the order of the list.
            protocol: DepthProtocol.
            places: Places.
            panels: how many of the worst and of the best images to draw.
            panels_path: folder for them.
        Raises:
            InputError: another number of frames, or a prediction that is no disparity.
        """
        if self.split == BENCHMARK:
            write_benchmark(disparities, places.folder)
            return
        targets = read_gt_depths(self.truth)
        if not len(targets) == len(disparities) == len(self.frames):
            counts = f"{len(targets)} depth maps and {len(disparities)} predictions"
            counts = f"{self.split}: {counts} for {len(self.frames)} frames"
            raise InputError(f"{counts}; write the ground truth anew with this list")
        scores = score_all(disparities, targets, self.frames, protocol)
        write_reports(scores, self.frames, places)
        if panels:
            images = self.images()
            write_panels(panels_path, images, disparities, targets, scores, protocol, panels)


def write_benchmark(disparities, folder):
    """Write what KITTI's server takes: benchmark_predictions/0000000000.png ..., 16 bits."""
    folder = Path(folder) / "benchmark_predictions"
    print(f"-> Saving out benchmark predictions to {folder}")
    for number, disparity in enumerate(disparities):
        write_png(folder / f"{number:010d}.png", benchmark_image(disparity))
    print("-> No ground truth is available for the KITTI benchmark, so not evaluating. Done.")


def score_all(disparities, targets, frames, protocol):
    """A DepthScore for each frame; prints the original's lines."""
    print("-> Evaluating")
    if protocol.median:
        print("   Mono evaluation - using median scaling")
    else:
        kind = "Stereo" if protocol.factor == STEREO_SCALE else "Mono"
        factor = f"scaling by {protocol.factor:g}"
        print(f"   {kind} evaluation - disabling median scaling, {factor}")
    rows = zip(disparities, targets, frames)
    scores = [score_depth(one, target, protocol, _name(frame)) for one, target, frame in rows]
    lines = monodepth2_lines(scores, protocol)
    print("\n".join([*lines[:-2], "", *lines[-2:]]))
    print("\n-> Done!", flush=True)
    return scores


def _name(frame):
    return f"{frame.folder} {frame.index}"


def write_reports(scores, frames, places):
    """Write the mean metrics as JSON, and a CSV line for each image.

    Args:
        scores: a DepthScore per frame.
        frames: of `test_frames`.
        places: Places.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["frame", *NAMES, "valid_pixels", "ratio"])
    for frame, score in zip(frames, scores):
        values = (score.metrics[key] for key in NAMES)
        writer.writerow([_name(frame), *values, score.valid_pixels, score.ratio])
    write_bytes(places.csv_file, text.getvalue().encode())
    means = {**mean_metrics(scores), "images": len(scores)}
    write_bytes(places.metrics_json, (json.dumps(means, indent=1) + "\n").encode())
    print(f"wrote {places.metrics_json} and {places.csv_file}")
