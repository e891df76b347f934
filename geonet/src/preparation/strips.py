"""Strips as the original makes them: frames side by side in a JPEG, and their camera in a text."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from ..model_utils.errors import InputError
from ..model_utils.files import write_bytes
from ..model_utils.images import image_header, read_rgb
from ..sfm_utils.intrinsics import Intrinsics, intrinsics_of
from .frames import Strip

QUALITY = 75  # of the JPEG
_WINDOW = 256  # images kept by a reader, for --seq_length up to 101 frames of Cityscapes


@dataclass(frozen=True)
class FrameSize:
    """The size of the frames in a strip: resized to height x width, of which the top rows stay."""

    height: int
    width: int
    rows: int


def camera_line(camera: Intrinsics) -> str:
    """A camera file: the nine numbers of K, without an end of the line, as the original writes."""
    fx, fy, cx, cy = camera.fx, camera.fy, camera.cx, camera.cy
    return f"{fx:f},0.,{cx:f},0.,{fy:f},{cy:f},0.,0.,1."


def read_frame(path: Path) -> np.ndarray:
    """(H, W, 3) uint8 RGB; InputError names a file that is missing, truncated or damaged."""
    image_header(path, checksums=True)  # OpenCV alone fills a truncated JPEG with grey
    return read_rgb(path)


def frame_reader(frame: FrameSize) -> Callable[[Path], tuple[np.ndarray, tuple[int, int]]]:
    """A function: file -> (image (rows, width, 3), (height, width) before it was resized).

    The last images stay at hand: neighbouring strips share all but one.
    """

    @lru_cache(maxsize=_WINDOW)
    def read(path):
        image = read_frame(path)
        size = (frame.width, frame.height)
        # As scipy.misc.imresize, with which the original resizes.
        resized = Image.fromarray(image).resize(size, Image.Resampling.BILINEAR)
        return np.asarray(resized)[: frame.rows], image.shape[:2]

    return read


def make_strip(
    strip: Strip, frame: FrameSize, read: Callable[[Path], tuple[np.ndarray, tuple[int, int]]]
) -> tuple[bytes, str]:
    """(JPEG, camera file) of a sample.

    Args:
        strip: its files.
        frame: size of each of its frames.
        read: from `frame_reader`.
    Raises:
        InputError: a damaged image, or images of several sizes.
    """
    images, sizes = zip(*(read(path) for path in strip.images))
    for path, size in zip(strip.images, sizes):
        if size != sizes[0]:
            texts = "{1}x{0}".format(*size), "{1}x{0}".format(*sizes[0])
            raise InputError(f"{path} is {texts[0]}, but {strip.images[0].name} is {texts[1]}")
    camera = intrinsics_of(strip.projection, *(strip.size or sizes[0]))
    data = io.BytesIO()
    Image.fromarray(np.hstack(images)).save(data, "JPEG", quality=QUALITY)
    return data.getvalue(), camera_line(camera.resized(frame.height, frame.width))


def write_strips(root: Path, frame: FrameSize, strips: Sequence[Strip]) -> tuple[int, list[str]]:
    """Make some samples; the camera file comes before its strip.

    Args:
        root: gets <folder>/<name>.jpg and <folder>/<name>_cam.txt.
        frame: size of the frames.
        strips: in the order of time.
    Returns:
        How many there were, and a line for each damaged or missing file.
    """
    cv2.setNumThreads(1)  # each process has a core
    read, faults = frame_reader(frame), {}
    for strip in strips:
        try:
            data, camera = make_strip(strip, frame, read)
        except InputError as err:
            faults[str(err)] = None
            continue
        folder = root / strip.folder
        write_bytes(folder / f"{strip.name}_cam.txt", camera.encode())
        write_bytes(folder / f"{strip.name}.jpg", data)
    return len(strips), list(faults)
