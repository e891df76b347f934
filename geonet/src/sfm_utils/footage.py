"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Own footage: a folder of images, or a video, as one sequence of frames of one camera.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from ..model_utils.errors import InputError
from ..model_utils.images import read_rgb
from ..model_utils.media import IMAGES
from .intrinsics import Intrinsics, shown_size
from .neighbours import frame_order


class Footage:
    """The frames of a folder of images, in the order of their names, or of a video.

    Everything that can be told without decoding it all is checked here: each image's header and
    size, or the first frame of a video.

    Args:
        path: folder or video.
        camera: intrinsics; None where they are not needed.
    Raises:
        InputError: nothing there, a broken image, images of several sizes, a video that cannot be
            decoded, intrinsics of another size.
    Attributes:
        size: (height, width) of every frame.
        files: the images in order; None for a video.
    """

    def __init__(self, path: str | Path, camera: Intrinsics | None = None):
        self.path, self.camera = Path(path), camera
        if self.path.is_dir():
            self.files = _images(self.path)
            self.size = _common_size(self.files)
        elif self.path.is_file():
            self.files = None
            self.size = next(self.frames()).shape[:2]
        else:
            raise InputError(f"{path} does not exist; give a folder of images or a video")
        if camera is not None:
            camera.check_size(*self.size, str(path))

    def frames(self) -> Iterator[np.ndarray]:
        """Each frame in turn, (H, W, 3) uint8 RGB.

        Raises:
            InputError: an image is broken, or no frame of a video can be decoded.
        """
        if self.files is None:
            return self._video_frames()
        return self._image_frames()

    def _image_frames(self):
        for file in self.files:
            image = read_rgb(file)
            if image.shape[:2] != self.size:
                raise InputError(f"{file} is damaged: another size than its header tells")
            yield image

    def _video_frames(self):
        capture, size = cv2.VideoCapture(str(self.path)), None
        try:
            while capture.isOpened():
                good, frame = capture.read()
                if not good:
                    break
                size = size or frame.shape[:2]
                if frame.shape[:2] != size:
                    raise InputError(f"{self.path} is damaged: its frames differ in size")
                yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
        except cv2.error:
            raise InputError(f"{self.path} is damaged: a frame cannot be decoded") from None
        finally:
            capture.release()
        if size is None:
            raise InputError(f"{self.path}: no frame can be decoded; broken, or not a video")


def _images(folder):
    """The images of a folder in order."""
    files = [file for file in folder.iterdir() if file.suffix.lower() in IMAGES]
    if len(files) < 2:
        count = "one image" if files else "no image"
        raise InputError(f"{folder} holds {count}; a sequence needs two or more, or give a video")
    return frame_order(sorted(files))


def _common_size(files):
    size = shown_size(files[0])
    for file in files[1:]:
        other = shown_size(file)
        if other != size:
            texts = "{1}x{0}".format(*other), "{1}x{0}".format(*size)
            raise InputError(
                f"{file} is {texts[0]}, but {files[0].name} is {texts[1]}; the frames of one "
                "camera have one size"
            )
    return size
