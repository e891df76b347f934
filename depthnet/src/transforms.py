"""Sizes and limits, and the way from decoded NYU images to the networks' arrays.

The zoo's pipeline (research/cv/DepthNet/src/data_loader.py) with OpenCV on float32, so that the
310 program, which uses OpenCV too, prepares the same numbers.
"""

import cv2
import numpy as np

IMAGE_SIZE = (228, 304)  # pixels, height and width that the dense layer fixes
DEPTH_SIZE = (55, 74)
MIN_DEPTH, MAX_DEPTH = 0.1, 10.0  # metres; targets and scored predictions are clipped to them
FRAME_SIZE = (480, 640)  # height, width of a NYU frame
CROP = (12, 16, 456, 608)  # top, left, height, width: cuts NYU's white border
_ONES = np.ones(3, np.float32)


def crop_box(height, width):
    """The crop for an image of any size, in proportion: (top, left, height, width)."""
    y, x = height / FRAME_SIZE[0], width / FRAME_SIZE[1]
    return tuple(int(np.floor(value * scale + 0.5)) for value, scale in zip(CROP, (y, x, y, x)))


def crop(image):
    """Cut the crop box out of (H, W) or (H, W, C)."""
    top, left, height, width = crop_box(*image.shape[:2])
    return image[top : top + height, left : left + width]


def image_input(rgb):
    """(H, W, 3) uint8 or cropped float RGB -> (3, 228, 304) float32 in 0..1."""
    if rgb.dtype == np.uint8:
        rgb = unit_range(crop(rgb))
    resized = cv2.resize(rgb, IMAGE_SIZE[::-1], interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(resized.transpose(2, 0, 1))


def unit_range(image):
    """0..255 of uint8 as float32 in 0..1."""
    return np.multiply(image, np.float32(1 / 255), dtype=np.float32)


def depth_target(depth_m, mask_invalid=False):
    """(480, 640) metres, 0 where unknown -> (1, 55, 74) float32 metres.

    The resize mixes unknown zeros into their neighbours, as the original does; mask_invalid gives
    0 wherever an unknown pixel took part.
    """
    depth = crop(depth_m).astype(np.float32)
    resized = cv2.resize(depth, DEPTH_SIZE[::-1], interpolation=cv2.INTER_LINEAR)
    if mask_invalid:
        unknown = np.float32(depth <= 0)
        share = cv2.resize(unknown, DEPTH_SIZE[::-1], interpolation=cv2.INTER_LINEAR)
        resized[share > 0] = 0
    return resized[None]


def flip(rng, *images):
    """Mirror all of them left to right, or none, with equal chance."""
    # Not by a negative step, with which each later pass over the pixels takes many times as long.
    return tuple(cv2.flip(image, 1) for image in images) if rng.random() < 0.5 else images


def jitter(rng, rgb):
    """Brightness 0.8..1 and sharpness 0.8..1.2 of an RGB image (PIL's sharpness).

    Sharpness s turns x into smooth + s (x - smooth), where smooth is (sum of the 3x3 pixels around
    + 4 x) / 13, and x itself at the border: a weighted sum of x and of the 3x3 sums.

    Args:
        rgb: (H, W, 3) uint8, or float32 in 0..1.
    Returns:
        (H, W, 3) float32, around 0..1.
    """
    brightness, sharpness = rng.uniform(0.8, 1.0), rng.uniform(0.8, 1.2)
    brightness /= 255 if rgb.dtype == np.uint8 else 1
    share = (1 - sharpness) / 13
    weights = {"alpha": brightness * (sharpness + 4 * share), "beta": brightness * share}
    result = cv2.sepFilter2D(rgb, cv2.CV_32F, _ONES, _ONES)
    cv2.addWeighted(rgb, src2=result, **weights, gamma=0, dst=result, dtype=cv2.CV_32F)
    for border in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):
        result[border] = rgb[border] * np.float32(brightness)
    return result
