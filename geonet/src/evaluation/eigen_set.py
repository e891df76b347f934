"""Eigen's test frames: KITTI raw, laser scans as ground truth."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np

from ..model_utils.errors import InputError
from ..model_utils.files import is_file
from ..model_utils.images import image_header
from ..sfm_utils.calibration import CAM_TO_CAM, VELO_TO_CAM, read_raw_calibration
from ..sfm_utils.depth_evaluation import GEONET_EIGEN, score_depth
from ..sfm_utils.eigen import eigen_frames
from ..sfm_utils.kitti import KittiRaw
from ..sfm_utils.lists import read_image_list
from ..sfm_utils.report_parts import raw_camera
from ..sfm_utils.velodyne import velodyne_depth_map
from .depth_sets import Result, lacking, limited


class EigenSet:
    """Eigen's test frames.

    Args:
        root: folder of KITTI raw.
        split_dir: folder that may hold the original's test_files_eigen.txt, else Monodepth2's
            eigen/test_files.txt; without both the frames are sorted.
        limits: (min_depth, max_depth), metres, of what counts.
    Raises:
        InputError: the list is malformed.
    """

    name = "eigen"

    def __init__(self, root, split_dir, limits):
        self.root, self.protocol = Path(root), limited(GEONET_EIGEN, limits)
        path = Path(split_dir, "test_files_eigen.txt")
        own = is_file(path)
        self.frames = read_image_list(path) if own else eigen_frames(split_dir, "eigen")
        self.names = [f"{frame.folder} {frame.index}" for frame in self.frames]
        self._calibration = functools.lru_cache(None)(read_raw_calibration)

    def _image(self, frame):
        """The image of a frame, .png as in the original or .jpg; None where there is none."""
        paths = (KittiRaw(self.root, ending).image(frame) for ending in (".png", ".jpg"))
        return next(filter(is_file, paths), None)

    def images(self):
        """The image of each frame.

        Raises:
            InputError: some are missing; the line names the archive of the first.
        """
        found = [self._image(frame) for frame in self.frames]
        lost = [frame for frame, path in zip(self.frames, found) if path is None]
        paths = [KittiRaw(self.root, ".png").image(frame) for frame in lost]
        if text := lacking(paths, len(found), lost and _drive_archive(lost[0])):
            raise InputError(f"images of the split eigen: {text}")
        return found

    def missing_truth(self):
        """What is missing of the ground truth, in words; empty when it is complete."""
        tree = KittiRaw(self.root)
        days = {tree.calibration(frame) for frame in self.frames}
        files = [day / name for day in sorted(days) for name in (CAM_TO_CAM, VELO_TO_CAM)]
        lost = [file for file in files if not is_file(file)]
        day = lost[0].parent.name if lost else ""
        if text := lacking(lost, len(files), f"{day}_calib.zip"):
            return f"calibration files: {text}"
        lost = [frame for frame in self.frames if not is_file(tree.velodyne(frame))]
        paths = [tree.velodyne(frame) for frame in lost]
        text = lacking(paths, len(self.frames), lost and _drive_archive(lost[0]))
        return text and f"laser scans: {text}"

    def target(self, number):
        """Ground truth of a frame: (H, W) float32 metres, the laser's x, 0 where there is none.

        Its size is the image's, else the one that the calibration tells.

        Raises:
            InputError: damaged files.
        """
        frame, tree = self.frames[number], KittiRaw(self.root)
        image = self._image(frame)
        size = image_header(image).size if image else None
        day = self._calibration(tree.calibration(frame))
        scan = tree.velodyne(frame)
        return np.float32(velodyne_depth_map(day, scan, frame.camera, "velodyne_x", size))

    def camera(self, number, size):
        """Intrinsics of a frame's image at a size (H, W)."""
        return raw_camera(self.root, self.frames[number], size)

    def result(self, number, prediction):
        """Result of a frame's predicted depth (h, w).

        Raises:
            InputError: damaged ground truth, or a prediction that is no depth.
        """
        frame, tree = self.frames[number], KittiRaw(self.root)
        files = f"{CAM_TO_CAM} and {VELO_TO_CAM}"
        name = f"{tree.velodyne(frame)}, seen by {tree.calibration(frame)}/{files}"
        return Result(score_depth(prediction, self.target(number), self.protocol, name), None)


def _drive_archive(frame):
    return f"{frame.folder.rpartition('/')[2]}.zip"
