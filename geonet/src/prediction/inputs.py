"""The images and videos that a command line names, as sequences, and where their results go."""

from __future__ import annotations

import functools
import glob
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..model_utils.errors import InputError
from ..model_utils.media import VIDEOS, find_inputs
from ..sfm_utils.footage import Footage
from ..sfm_utils.intrinsics import shown_size
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
class FrameSequence:
    """The images of one folder, or a video.

    Attributes:
        path: of the folder or the video; what `media.Frame` calls its sequence.
        files: the images in their order; None for a video.
    """

    path: Path
    files: list[Path] | None

    @functools.cached_property
    def first(self) -> Path:
        """The first image that is not broken, or the video."""
        return next(filter(_is_good, self.files or ()), (self.files or [self.path])[0])

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the first frame that is not broken."""
        return Footage(self.path).size if self.files is None else shown_size(self.first)


def _is_good(image):
    try:
        shown_size(image)
    except InputError:
        return False  # told when it is its turn
    return True


def sequences_of(files: Sequence[Path]) -> list[FrameSequence]:
    """The sequences to which files belong, those of images first."""
    images = [file for file in files if file.suffix.lower() not in VIDEOS]
    folders: dict[Path, list[Path]] = {}
    for file in frame_order(images):
        folders.setdefault(file.parent, []).append(file)
    videos = [FrameSequence(file, None) for file in files if file not in images]
    return [FrameSequence(*item) for item in folders.items()] + videos
