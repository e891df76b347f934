"""What the C++ program must compute, in numpy and OpenCV, driven by a sidecar's `image` section."""

import cv2
import numpy as np

METRIC = ("log_depth", "depth")


def crop_window(image, photo_size):
    """(top, left, height, width) for a photo of (height, width)."""
    height, width = photo_size
    crop = image["crop"]
    if crop is None:
        return 0, 0, height, width

    def scaled(value, size, reference):
        return int(np.floor(value * size / reference + 0.5))

    across = (width, crop["reference_size"][1])
    down = (height, crop["reference_size"][0])
    top, left = scaled(crop["top"], *down), scaled(crop["left"], *across)
    bottom, right = scaled(crop["height"], *down), scaled(crop["width"], *across)
    return top, left, min(bottom, height - top), min(right, width - left)


def resized_size(resize, photo_size):
    """(height, width) of the network's input; the rules are those of MiDaS's Resize."""
    if resize["method"] == "exact":
        return resize["height"], resize["width"]
    scales = [resize["height"] / photo_size[0], resize["width"] / photo_size[1]]
    if resize["keep_aspect_ratio"]:
        choose = {
            "lower_bound": max,
            "upper_bound": min,
            "minimal": lambda pair: pair[1] if abs(1 - pair[1]) < abs(1 - pair[0]) else pair[0],
        }[resize["method"]]
        scales = [choose(scales)] * 2
    multiple = resize["multiple_of"]
    sides = []
    for scale, size, target in zip(scales, photo_size, (resize["height"], resize["width"])):
        side = int(np.round(scale * size / multiple) * multiple)
        if resize["method"] == "upper_bound" and side > target:
            side = int(np.floor(scale * size / multiple) * multiple)
        if resize["method"] == "lower_bound" and side < target:
            side = int(np.ceil(scale * size / multiple) * multiple)
        sides.append(side)
    return tuple(sides)


def prepare(bgr, image):
    """(H, W, 3) uint8 BGR to the network's (3, h, w) float32."""
    top, left, height, width = crop_window(image, bgr.shape[:2])
    pixels = bgr[top : top + height, left : left + width]
    if image["color_order"] == "RGB":
        pixels = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
    pixels = pixels.astype(np.float32) * np.float32(image["scale"])
    resize = image["resize"]
    size = resized_size(resize, pixels.shape[:2])
    cubic = resize["interpolation"] == "bicubic"
    method = cv2.INTER_CUBIC if cubic else cv2.INTER_LINEAR
    pixels = cv2.resize(pixels, size[::-1], interpolation=method)
    mean, std = np.float32(image["mean"]), np.float32(image["std"])
    return np.ascontiguousarray(((pixels - mean) / std).transpose(2, 0, 1))


def restore(output, meaning, image, photo_size):
    """(h, w) output to (H, W) of the photo; log-depth becomes metres."""
    top, left, height, width = crop_window(image, photo_size)
    values = np.exp(output) if meaning == "log_depth" else output
    values = cv2.resize(values, (width, height), interpolation=cv2.INTER_LINEAR)
    bottom, right = photo_size[0] - top - height, photo_size[1] - left - width
    return cv2.copyMakeBorder(values, top, bottom, left, right, cv2.BORDER_REPLICATE)


def png16(values, meaning):
    """The 16-bit picture: millimetres, or the whole range of an inverse depth, cut off."""
    if meaning in METRIC:
        return np.clip(np.rint(values * np.float32(1000)), 0, 65535).astype(np.uint16)
    low, high = values.min(), values.max()
    if high - low <= np.finfo(np.float32).eps:
        return np.zeros(values.shape, np.uint16)
    return (np.float32(65535) * (values - low) / (high - low)).astype(np.uint16)


def color(values, meaning):
    """(H, W, 3) uint8 BGR, near is bright."""
    inverse = 1 / np.maximum(values, np.float32(1e-6)) if meaning in METRIC else values
    low, high = np.percentile(inverse, (2, 98))
    high = max(high, low + 1e-6)
    level = np.uint8(np.rint(np.clip((inverse - low) / (high - low), 0, 1) * 255))
    return cv2.applyColorMap(level, cv2.COLORMAP_INFERNO)
