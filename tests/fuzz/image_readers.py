"""What all models read as images and videos: src/model_utils/images.py and media.py."""

import cv2
import numpy as np

from midas.src.model_utils import errors, images, media
from tests.fuzz.children import Reader

ERRORS = (errors.InputError, errors.RunError)


def photo(seed=0, height=40, width=56):
    """(H, W, 3) uint8 that compresses like a photo."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def depth_16(seed=0, height=40, width=56):
    """(H, W) uint16 depth, 0 where there is none."""
    return np.uint16(photo(seed, height, width)[..., 0]) * 40


def write_images(folder):
    """A colour image in each format that cameras and datasets use."""
    for ending in ("jpg", "png", "bmp", "ppm", "tiff", "webp"):
        cv2.imwrite(str(folder / f"colour.{ending}"), photo())


def _write_any(folder):
    write_images(folder)
    cv2.imwrite(str(folder / "depth.png"), depth_16())
    cv2.imwrite(str(folder / "float.tiff"), np.float32(depth_16()))
    cv2.imwrite(str(folder / "grey.jpg"), photo()[..., 0])
    alpha = np.dstack([photo(), photo()[..., :1]])
    cv2.imwrite(str(folder / "alpha.png"), alpha)
    images.write_pfm(folder / "depth.pfm", np.float32(depth_16()))


class _Predictor:
    """Brightness in place of a network."""

    batch_size = 2

    def batch(self, rgb):
        return [image.mean(2, dtype=np.float32) for image in rgb]


def _predict(folder, file, skip_bad=False):
    media.predict_all(
        _Predictor(),
        kind="inverse_depth",
        input_path=str(folder / "*.*") if skip_bad else str(file),
        output_path=folder / "out",
        formats=["png", "pfm", "npy", "color"],
        skip_bad=skip_bad,
    )


def _write_videos(folder):
    for name, code in (("clip.avi", "MJPG"), ("clip.mp4", "mp4v")):
        kind = cv2.VideoWriter_fourcc(*code)
        writer = cv2.VideoWriter(str(folder / name), kind, 10, (64, 48))
        for index in range(6):
            writer.write(photo(index, 48, 64))
        writer.release()


def _reader(write, targets, read):
    return Reader(write, targets, read, ERRORS)


READERS = {
    "read_rgb": _reader(write_images, ("*",), lambda folder, file: images.read_rgb(file)),
    "read_any": _reader(_write_any, ("*",), lambda folder, file: images.read_any(file)),
    "read_png": _reader(
        lambda folder: cv2.imwrite(str(folder / "depth.png"), depth_16()) and None,
        ("*",),
        lambda folder, file: images.read_png(file, 16),
    ),
    "read_pfm": _reader(
        lambda folder: images.write_pfm(folder / "depth.pfm", np.float32(depth_16())),
        ("*",),
        lambda folder, file: images.read_pfm(file),
    ),
    "read_floats": _reader(
        lambda folder: np.ones((4, 5), np.float32).tofile(folder / "result.bin"),
        ("*",),
        lambda folder, file: images.read_floats(file, (4, 5), "run it again"),
    ),
    "image_header": _reader(
        _write_any, ("*.[jpbtw]*",), lambda folder, file: images.image_header(file, checksums=True)
    ),
    "images to predict": _reader(write_images, ("*",), _predict),
    "folder to predict": Reader(
        write_images,
        ("*.*",),
        lambda folder, file: _predict(folder, file, skip_bad=True),
        ERRORS,
        skips=True,
    ),
    "videos to predict": _reader(_write_videos, ("*.*",), _predict),
}
