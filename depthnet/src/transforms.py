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
_SMOOTH = np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]], np.float32) / 13


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
        rgb = crop(rgb).astype(np.float32) * np.float32(1 / 255)
    resized = cv2.resize(rgb, IMAGE_SIZE[::-1], interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(resized.transpose(2, 0, 1))


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
    return tuple(image[:, ::-1] for image in images) if rng.random() < 0.5 else images


def jitter(rng, rgb):
    """Brightness 0.8..1 and sharpness 0.8..1.2 of a float RGB image in 0..1 (PIL's sharpness)."""
    rgb = rgb * np.float32(rng.uniform(0.8, 1.0))
    factor = np.float32(rng.uniform(0.8, 1.2))
    smooth = rgb.copy()
    smooth[1:-1, 1:-1] = cv2.filter2D(rgb, cv2.CV_32F, _SMOOTH)[1:-1, 1:-1]
    return smooth + (rgb - smooth) * factor
