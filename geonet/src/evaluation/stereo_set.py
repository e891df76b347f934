"""The stereo benchmark of 2015 as a test set: its training scenes, disparity as ground truth."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from ..model_utils.errors import InputError, shown
from ..model_utils.files import is_file
from ..model_utils.images import image_header, read_png
from ..sfm_utils.calibration import focal_of_width
from ..sfm_utils.depth_evaluation import GEONET_STEREO, disparity_to_depth, score_depth, stereo_d1
from ..sfm_utils.intrinsics import Intrinsics
from ..sfm_utils.lists import read_fields
from .depth_sets import Result, lacking, limited

_NAME = re.compile(r"(\d{6})_10\.png", re.A)
_DISPARITY = "training/disp_noc_0"
_ARCHIVE = "data_scene_flow.zip"
_LEVELS = 256  # of the disparity's 16 bits, per pixel


class StereoSet:
    """The scenes of the stereo benchmark of 2015 that are there; all 200 in the original.

    Args:
        root: folder with training/image_2 and training/disp_noc_0.
        split_dir: folder that may hold the original's test_files_stereo.txt.
        limits: (min_depth, max_depth), metres, to which predictions are cut.
    Raises:
        InputError: there is no scene, or the list is malformed.
    """

    name = "stereo"

    def __init__(self, root, split_dir, limits):
        self.root, self.protocol = Path(root), limited(GEONET_STEREO, limits)
        path = Path(split_dir, "test_files_stereo.txt")
        self.scenes = _listed_scenes(path) if is_file(path) else self._scenes_there()
        self.names = [f"{scene}_10" for scene in self.scenes]

    def _scenes_there(self):
        """Numbers of the scenes with an image; where there are no images, with a disparity."""
        folders = self.root / "training" / "image_2", self.root / _DISPARITY
        for folder in folders:
            matches = [_NAME.fullmatch(path.name) for path in folder.glob("*_10.png")]
            if scenes := sorted(match[1] for match in matches if match):
                return scenes
        text = f"neither {folders[0]} nor {folders[1]} holds 000000_10.png ..."
        raise InputError(f"{text}; unpack KITTI's {_ARCHIVE} in {self.root}")

    def _paths(self, folder):
        return [self.root / folder / f"{name}.png" for name in self.names]

    def images(self):
        """The image of each scene.

        Raises:
            InputError: some are missing.
        """
        paths = self._paths("training/image_2")
        lost = [path for path in paths if not is_file(path)]
        if text := lacking(lost, len(paths), _ARCHIVE):
            raise InputError(f"images of the split stereo: {text}")
        return paths

    def missing_truth(self):
        """What is wrong with the ground truth, in words; empty when it is complete."""
        paths = self._paths(_DISPARITY)
        lost = [path for path in paths if not is_file(path)]
        if text := lacking(lost, len(paths), _ARCHIVE):
            return f"disparities: {text}"
        try:
            for path in paths:
                focal_of_width(image_header(path).size[1], str(path))
        except InputError as err:
            return str(err)
        return ""

    def disparity(self, number):
        """Ground truth of a scene: (H, W) float32 pixels, 0 where there is none.

        Raises:
            InputError: missing, or no PNG of 16 bits.
        """
        return np.float32(read_png(self._paths(_DISPARITY)[number], 16)) / _LEVELS

    def target(self, number):
        """`disparity` as depth in metres."""
        return disparity_to_depth(self.disparity(number), str(self._paths(_DISPARITY)[number]))

    def camera(self, number, size):
        """Intrinsics of a scene's image at a size (H, W); its axis is taken as centred."""
        height, width = size
        focal = focal_of_width(width, self.names[number])
        return Intrinsics(focal, focal, (width - 1) / 2, (height - 1) / 2, width, height)

    def result(self, number, prediction):
        """Result of a scene's predicted depth (h, w).

        Raises:
            InputError: damaged ground truth, or a prediction that is no depth.
        """
        disparity, name = self.disparity(number), str(self._paths(_DISPARITY)[number])
        target = disparity_to_depth(disparity, name)
        score = score_depth(prediction, target, self.protocol, name)
        d1 = stereo_d1(prediction, disparity), stereo_d1(prediction, disparity, score.ratio)
        return Result(score, d1)


def _listed_scenes(path):
    """Numbers of the scenes in a list of images, a path in each line."""
    scenes = []
    for number, (text,) in enumerate(read_fields(path, "path"), 1):
        match = _NAME.fullmatch(text.rpartition("/")[2])
        if match is None:
            expected = "training/image_2/000000_10.png"
            raise InputError(f"{path} line {number}: expected {expected}, got {shown(text)}")
        scenes.append(match[1])
    return scenes
