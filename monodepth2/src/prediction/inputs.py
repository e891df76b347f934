"""The images and videos that a command line names, and their camera."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..datasets.footage import Camera, find_intrinsics
from ..model_utils.errors import InputError
from ..model_utils.images import read_rgb
from ..model_utils.media import VIDEOS, find_inputs
from ..sfm_utils.footage import Footage
from ..sfm_utils.intrinsics import Intrinsics, shown_size
from ..sfm_utils.neighbours import frame_order


def inputs_of(image_path: str, ext: str = "") -> str:
    """What to predict, as `find_inputs` takes it.

    Args:
        image_path: file, folder, glob or video.
        ext: of a folder only the files with this ending; empty: every image and video.
    Raises:
        InputError: there is nothing of the kind.
    """
    path = image_path
    if ext and Path(image_path).is_dir():
        path = str(Path(glob.escape(image_path)) / f"*.{ext.removeprefix('.')}")
    try:
        find_inputs(path)
    except InputError:
        if path == image_path:
            raise
        raise InputError(f"{image_path} holds no image *.{ext}; give another --ext") from None
    return path


@dataclass(frozen=True)
class FrameSource:
    """The first sequence of the inputs: a video, or the images of one folder in their order.

    Attributes:
        path: of the video; of images, the folder.
        files: the images; None for a video.
    """

    path: Path
    files: list[Path] | None

    @classmethod
    def of(cls, image_path: str) -> FrameSource:
        """That of what `inputs_of` gives."""
        files = find_inputs(image_path)
        first = files[0]
        if first.suffix.lower() in VIDEOS:
            return cls(first, None)
        beside = [file for file in files if file.parent == first.parent]
        images = [file for file in beside if file.suffix.lower() not in VIDEOS]
        return cls(first.parent, frame_order(images))

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the first frame."""
        return Footage(self.path).size if self.files is None else shown_size(self.files[0])

    def frames(self, step: int = 1) -> Iterator[np.ndarray]:
        """Every `step`th frame, (H, W, 3) uint8 RGB."""
        if self.files is not None:
            return map(read_rgb, self.files[::step])
        frames = enumerate(Footage(self.path).frames())
        return (image for number, image in frames if number % step == 0)


def camera_of(source: FrameSource, told: Camera) -> Intrinsics:
    """The camera of a source: as told, from an intrinsics.json in or beside it, or EXIF.

    Raises:
        InputError: it is not known, or for images of another size.
    """
    return find_intrinsics(source, told, source.path.parent)
