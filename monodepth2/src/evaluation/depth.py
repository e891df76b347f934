"""Depth on KITTI's test sets: eigen, eigen_benchmark, and the benchmark that its server scores.

Lines, numbers and files are the original's (evaluate_depth.py).
"""

import functools
from pathlib import Path

from ..datasets.gt_depths import NAME, read_gt_depths
from ..datasets.kitti import archive_of
from ..model_utils.errors import InputError
from ..model_utils.files import is_file
from ..model_utils.images import image_header, write_npy
from ..sfm_utils.depth_evaluation import STEREO_SCALE
from ..sfm_utils.eigen import SPLITS, eigen_frames
from ..sfm_utils.kitti import ENDINGS, KittiRaw
from ..sfm_utils.lists import Frame, read_split
from ..sfm_utils.report_parts import DepthResults, raw_camera
from .external import read_disparities
from .page import write_depth_page
from .panels import write_panels
from .predicting import predict_disparities
from .protocols import BENCHMARK, StereoProtocol
from .reports import score_all, write_benchmark, write_reports

# Where KITTI's archive of the benchmark's test images leads to, below data_path.
_PACKED = ("image", "test_depth_prediction_anonymous/image")
_PACKED += ("depth_selection/test_depth_prediction_anonymous/image",)
_BENCHMARK_IMAGES = 500
_EXPORT = "write it anew with export_gt_depth.py"


class TestSet:
    """A test set: its frames, images and ground truth.

    Args:
        split: eigen, eigen_benchmark or benchmark.
        split_dir: folder of the lists and of <split>/gt_depths.npz.
        data_path: folder of KITTI raw; of benchmark, the folder with its image/.
        needs_truth: without, a missing ground truth is no error, and nothing is scored (no_eval).
        png: where an image is there as .jpg and as .png, take .png.
    Raises:
        InputError: the list or the ground truth is missing; the line says what writes it.
    """

    def __init__(self, split, split_dir, data_path, needs_truth=True, png=False):
        self.split, self.split_dir, self.data_path = split, split_dir, data_path
        self.needs_truth = needs_truth
        self.endings = sorted(ENDINGS, reverse=png)
        if split in SPLITS:
            self.frames = eigen_frames(split_dir, split)
        else:
            self.frames = _benchmark_frames(Path(split_dir, split, "test_files.txt"))
        self.truth = Path(split_dir, split, NAME)
        if needs_truth and split != BENCHMARK and not is_file(self.truth):
            command = f"python export_gt_depth.py --data_path {data_path} --split {split}"
            raise InputError(f"{self.truth} is missing; {command} --split_dir {split_dir}")

    @functools.cached_property
    def targets(self):
        """The ground truth of each frame, (H, W) metres.

        Raises:
            InputError: damaged, or of another number of frames.
        """
        maps = read_gt_depths(self.truth)
        if len(maps) != len(self.frames):
            counts = f"{len(maps)} depth maps for {len(self.frames)} frames of {self.split}"
            raise InputError(f"{self.truth} has {counts}; {_EXPORT}")
        return maps

    def images(self):
        """The image of each frame.

        Raises:
            InputError: some are missing; the line names the archives that hold them.
        """
        trees = [KittiRaw(self.data_path, ending) for ending in self.endings]
        found = [self._image(frame, trees) for frame in self.frames]
        lost = [frame for frame, path in zip(self.frames, found) if path is None]
        if not lost:
            return found
        archives = dict.fromkeys(self._archive(frame) for frame in lost)
        count, path = f"{len(lost)} of {len(found)} images", trees[0].image(lost[0])
        if self.split == BENCHMARK:
            path = Path(self.data_path, _PACKED[0], path.name)
        text = f"{count} are missing, first {path} (or {self.endings[1]})"
        raise InputError(f"{text}; unpack KITTI's {', '.join(archives)} there")

    def _archive(self, frame):
        is_benchmark = self.split == BENCHMARK
        return "data_depth_selection.zip" if is_benchmark else archive_of(frame, "drive")

    def _image(self, frame, trees):
        paths = [tree.image(frame) for tree in trees]
        if self.split == BENCHMARK:
            names = [path.name for path in paths]
            paths += [Path(self.data_path, place, name) for place in _PACKED for name in names]
        return next(filter(is_file, paths), None)

    def check_order(self, images):
        """The ground truth follows the same list as the images, as far as their sizes tell.

        Images of another size than any map's are taken as shrunk copies.

        Raises:
            InputError: an image has the size of other maps, not of its own.
        """
        sizes = {target.shape for target in self.targets}
        for number, (path, target) in enumerate(zip(images, self.targets)):
            size = image_header(path).size
            if size != target.shape and size in sizes:
                shapes = "map {} is {}x{}, {} is {}x{}".format(number, *target.shape, path, *size)
                raise InputError(f"{self.truth} follows another list: {shapes}; {_EXPORT}")

    def read(self, path, only_benchmark):
        """The disparities (N, h, w) of another program; see `read_disparities`."""
        return read_disparities(path, self.split, self.split_dir, only_benchmark)

    def predict(self, model, *, batch_size, post_process, workers):
        """The scaled disparities (N, h, w) of a Model, with the original's lines."""
        images, size = self.images(), model.size
        if self.split != BENCHMARK and self.needs_truth:
            self.check_order(images)
        cell = model.disparity()
        print("-> Computing predictions with size {1}x{0}".format(*size), flush=True)
        options = {"batch_size": batch_size, "post_process": post_process, "workers": workers}
        return predict_disparities(cell, images, size=size, **options)

    def save(self, disparities, folder):
        """Write disps_<split>_split.npy, as the original does."""
        path = Path(folder) / f"disps_{self.split}_split.npy"
        print(f"-> Saving predicted disparities to  {path}")
        write_npy(path, disparities)

    def evaluate(
        self, disparities, protocol, places, panels=0, panels_path="", *, saves=False, report=None
    ):
        """Score disparities, or write what KITTI's server takes.

        Args:
            disparities: (N, h, w), in the order of the list.
            protocol: DepthProtocol.
            places: Places.
            panels: how many of the worst and of the best images to draw.
            panels_path: folder for them.
            saves: also `save` them.
            report: ReportPlace, or None.
        Raises:
            InputError: another number of frames, or a prediction that is no disparity.
        """
        if saves:
            self.save(disparities, places.folder)
        if not self.needs_truth:
            print("-> Evaluation disabled. Done.")
            return
        if self.split == BENCHMARK:
            is_stereo = isinstance(protocol, StereoProtocol)
            factor = protocol.factor if is_stereo else STEREO_SCALE  # as the original
            write_benchmark(disparities, places.folder, factor)
            return
        images, targets = self.images() if panels or report else [], self.targets
        if len(disparities) != len(targets):
            counts = f"{len(disparities)} predictions for {len(targets)} frames"
            raise InputError(f"{self.split}: {counts}; they must follow {self.split}'s list")
        scores = score_all(disparities, targets, self.frames, protocol)
        write_reports(scores, self.frames, places)
        names = [f"{frame.folder} {frame.index}" for frame in self.frames]
        results = DepthResults(
            images, names, targets.__getitem__, disparities, scores, protocol, self._camera
        )
        if panels:
            write_panels(panels_path, results, panels)
        if report:
            write_depth_page(report, self.split, results)

    def _camera(self, number, size):
        return raw_camera(self.data_path, self.frames[number], size)

    def check_report(self, report):
        """Before anything is computed: there will be something to report, if a report is wanted.

        Raises:
            InputError: nothing will be scored.
        """
        if report and (self.split == BENCHMARK or not self.needs_truth):
            raise InputError("report: without ground truth nothing is scored; leave it out")


def _benchmark_frames(path):
    """The frames of a user's list; without one all that the benchmark has."""
    if is_file(path):
        return read_split(path)
    return [Frame("image", number, "l") for number in range(_BENCHMARK_IMAGES)]
