"""Images, targets and masks on their way to the network: size, interpolation, normalisation."""

import math

import cv2
import numpy as np


def network_size(size, aim, *, method, keep_aspect_ratio=False, multiple_of=32):
    """The size at which an image enters the network (the rule of MiDaS).

    Args:
        size: (width, height) of the image, pixels.
        aim: (width, height) that is wanted.
        method: "upper_bound" (no side above the aim), "lower_bound" (no side below it) or
            "minimal" (scale as little as possible).
        keep_aspect_ratio: scale both sides alike, up to the rounding.
        multiple_of: both sides become multiples of it; ties round to the even multiple.
    Returns:
        (width, height). Where the original's upper_bound ends at a side of 0 (an image more than
        12 times as wide as high), one multiple is kept.
    """
    (width, height), (wide, high) = size, aim
    scale_x, scale_y = wide / width, high / height
    if keep_aspect_ratio:
        scale_x = scale_y = {
            "lower_bound": max(scale_x, scale_y),
            "upper_bound": min(scale_x, scale_y),
            # A tie goes to the height, as in the original.
            "minimal": min(scale_y, scale_x, key=lambda scale: abs(1 - scale)),
        }[method]
    return (
        _to_multiple(scale_x * width, wide, method, multiple_of),
        _to_multiple(scale_y * height, high, method, multiple_of),
    )


def _to_multiple(length, aim, method, multiple_of):
    # round() takes ties to the even multiple, as the original's numpy.round does.
    rounded = round(length / multiple_of) * multiple_of
    if method == "upper_bound" and rounded > aim:
        rounded = math.floor(length / multiple_of) * multiple_of
    if method == "lower_bound" and rounded < aim:
        rounded = math.ceil(length / multiple_of) * multiple_of
    return max(rounded, multiple_of)


def prepare_image(image, size, mean, std):
    """Resize and normalise an image for the network.

    Args:
        image: (H, W, 3) uint8, RGB.
        size: (width, height) from network_size.
        mean, std: three numbers each, for values in 0..1.
    Returns:
        (3, height, width) float32; cubic interpolation, no antialiasing.
    """
    scaled = np.multiply(image, np.float32(1 / 255), dtype=np.float32)
    scaled = cv2.resize(scaled, size, interpolation=cv2.INTER_CUBIC)
    # As planes first, and in place: broadcasting over three interleaved values is slow.
    planes = np.empty((3, *scaled.shape[:2]), np.float32)
    cv2.split(scaled, list(planes))
    planes -= np.float32(mean)[:, None, None]
    planes /= np.float32(std)[:, None, None]
    return planes


def resize_nearest(values, size):
    """Resize (H, W) depth or a mask to (width, height); pixel x comes from floor(x * in / out)."""
    if values.dtype == bool:
        return resize_nearest(values.astype(np.uint8), size).astype(bool)
    return cv2.resize(values, size, interpolation=cv2.INTER_NEAREST)


def flip(*maps):
    """Mirror each array left to right (its last axis)."""
    # OpenCV takes a fraction of numpy's time; it sees the planes of an image as one tall map.
    rows = [values.reshape(-1, values.shape[-1]) for values in maps]
    return tuple(cv2.flip(each, 1).reshape(values.shape) for each, values in zip(rows, maps))
