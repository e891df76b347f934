"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

What a camera writes into its images: how it was held, and the focal length.
"""

from __future__ import annotations

import math
from pathlib import Path

from PIL import Image

from ..model_utils.errors import InputError
from ..model_utils.images import image_header
from .intrinsics import Intrinsics

_ORIENTATION, _DETAILS, _FOCAL_35 = 0x0112, 0x8769, 0xA405
_SIDEWAYS = (5, 6, 7, 8)  # orientations that swap height and width
_DIAGONAL_35 = math.hypot(36, 24)  # millimetres


def shown_size(path: str | Path) -> tuple[int, int]:
    """(height, width) of an image as `read_rgb` gives it, turned upright by its EXIF data.

    Raises:
        InputError: the image is missing, truncated, or broken.
    """
    size = image_header(path).size
    tags, _ = _exif(path)
    return size[::-1] if tags.get(_ORIENTATION) in _SIDEWAYS else size


def read_exif_intrinsics(path: str | Path) -> Intrinsics:
    """The camera of a photo, from the focal length that its EXIF data give for a 35 mm film.

    The pixels are taken as square and the axis as centred. A video has no such data.

    Raises:
        InputError: a broken image, or one without that number.
    """
    height, width = shown_size(path)
    millimetres = _exif(path)[1].get(_FOCAL_35)
    if not isinstance(millimetres, int) or not 1 <= millimetres <= 5000:
        raise InputError(
            f"{path} tells no focal length (EXIF FocalLengthIn35mmFilm); give fx fy cx cy or a "
            "field of view"
        )
    focal = millimetres * math.hypot(height, width) / _DIAGONAL_35
    return Intrinsics(focal, focal, (width - 1) / 2, (height - 1) / 2, width, height)


def _exif(path):
    """The tags of an image and of its EXIF details; empty where there are none."""
    try:
        with Image.open(path) as image:
            tags = image.getexif()
            return dict(tags), dict(tags.get_ifd(_DETAILS))
    except Exception:  # Pillow raises many kinds for damaged tags; without them an image is upright
        return {}, {}
