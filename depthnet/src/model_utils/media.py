"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Images and videos in, depth files out: the part of infer.py that all models share.
"""

from __future__ import annotations

import glob
import itertools
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from .errors import InputError
from .files import replacing
from .images import colorize, read_rgb, value_range, write_npy, write_pfm, write_png

IMAGES = {".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".tif", ".tiff", ".webp"}
VIDEOS = {".mp4", ".avi", ".mov", ".mkv", ".m4v", ".webm"}
INVERSE_KINDS = ("inverse_depth", "disparity")


class Predictor(Protocol):
    """A network and its preprocessing: (H, W, 3) uint8 RGB images -> (H, W) float32 maps.

    Attributes:
        batch_size: images per call of `batch`.
    """

    batch_size: int

    def batch(self, images: list[np.ndarray]) -> list[np.ndarray]:
        """The maps of images that may differ in size, each of its image's size."""


def filled(batch: np.ndarray, size: int) -> np.ndarray:
    """A short batch filled with its last element: another length would compile another graph."""
    missing = size - len(batch)
    return np.concatenate([batch, np.repeat(batch[-1:], missing, 0)]) if missing > 0 else batch


def show_progress(label: str, seconds: float = 5) -> Callable[[int, int], None]:
    """A function (images done, all images) that prints them now and then, and at the end."""
    began = printed = time.perf_counter()

    def progress(done: int, count: int) -> None:
        nonlocal printed
        now = time.perf_counter()
        if now - printed > seconds or done == count:
            printed, rate = now, done / (now - began)
            text = f"{done} / {count}, {rate:.2f} images/s, {(count - done) / rate:.0f} s left"
            print(f"{label}: {text}", flush=True)

    return progress


def find_inputs(pattern: str) -> list[Path]:
    """Images and videos that a file, a folder or a glob names, sorted.

    Raises:
        InputError: nothing is there, or nothing of a known kind.
    """
    path = Path(pattern)
    if path.is_file():
        return [path]
    named = glob.glob(str(pattern), recursive=True)  # noqa: PTH207, a pattern may be absolute
    found = path.iterdir() if path.is_dir() else map(Path, named)
    files = sorted(file for file in found if file.suffix.lower() in IMAGES | VIDEOS)
    if not files:
        what = "holds no image or video" if path.is_dir() else "does not exist"
        raise InputError(f"input_path {pattern} {what}; give a file, a folder, a glob or a video")
    return files


def to_png16(values: np.ndarray, kind: str) -> np.ndarray:
    """(H, W) map as a 16-bit image: millimetres, or MiDaS's full-range scaling (truncated)."""
    if kind not in INVERSE_KINDS:
        return np.uint16(np.clip(np.rint(values * 1000), 0, 65535))
    values = np.float32(values)
    low, high = values.min(), values.max()
    if high - low <= np.finfo(np.float32).eps:
        return np.zeros(values.shape, np.uint16)
    return (np.float32(65535) * (values - low) / (high - low)).astype(np.uint16)


def nearness(values: np.ndarray, kind: str) -> np.ndarray:
    """Map whose large values are near, for colours."""
    return values if kind in INVERSE_KINDS else 1 / np.maximum(values, 1e-6)


def write_outputs(
    stem: str | Path, values: np.ndarray, kind: str, formats: Collection[str]
) -> None:
    """Write <stem>.png, .pfm, .npy and <stem>_color.png, as `formats` asks (png pfm npy color)."""
    stem = str(stem)
    if "png" in formats:
        write_png(f"{stem}.png", to_png16(values, kind))
    if "pfm" in formats:
        write_pfm(f"{stem}.pfm", values)
    if "npy" in formats:
        write_npy(f"{stem}.npy", np.float32(values))
    if "color" in formats:
        near = nearness(values, kind)
        write_png(f"{stem}_color.png", colorize(near, *value_range(near)))


def in_batches(
    images: Iterable[tuple[Any, np.ndarray]], predictor: Predictor
) -> Iterator[tuple[Any, np.ndarray]]:
    """(label, map) of each (label, image), in the same order, batch_size images at a time."""
    images = iter(images)
    while part := list(itertools.islice(images, predictor.batch_size)):
        labels, arrays = zip(*part)
        yield from zip(labels, predictor.batch(list(arrays)))


class _Job:
    """Where the results of infer.py go, in which formats, and what could not be read."""

    def __init__(self, files, output, predictor, kind, formats):
        stems = [file.stem for file in files]
        self.files, self.output, self.predictor = files, Path(output), predictor
        self.kind, self.formats, self.bad = kind, formats, []
        self.names = {
            f: f.stem if stems.count(f.stem) == 1 else f.name.replace(".", "_") for f in files
        }

    def readable(self, files, read, skip_bad):
        """(file, read(file)) of the files that are not bad."""
        for file in files:
            try:
                yield file, read(file)
            except InputError as err:
                if not skip_bad:
                    raise
                self.bad.append(file)
                print(f"left out: {err}", file=sys.stderr)

    def image(self, file, values):
        write_outputs(self.output / self.names[file], values, self.kind, self.formats)
        return file, 1

    def video(self, file):
        """Predict every frame; the number of frames."""
        capture = cv2.VideoCapture(str(file))
        try:
            maps = (values for _, values in in_batches(_frames(capture), self.predictor))
            first = next(maps, None)
            if first is None:
                raise InputError(f"{file}: no frame can be read; broken, or not a video")
            maps = itertools.chain([first], maps)
            target = self.output / self.names[file]
            if "color" not in self.formats:
                return self._frames(maps, target, None)
            with replacing(target.with_name(f"{target.name}_color.mp4")) as temporary:
                rate, code = capture.get(cv2.CAP_PROP_FPS), cv2.VideoWriter_fourcc(*"mp4v")
                rate = rate if 0 < rate <= 1000 else 25  # of a damaged header
                writer = cv2.VideoWriter(str(temporary), code, rate, first.shape[::-1])
                try:
                    if not writer.isOpened():
                        text = f"no colour video of {rate:g} images/s can be written"
                        raise InputError(f"{file}: {text}; leave color out of --formats")
                    return self._frames(maps, target, writer)
                finally:
                    writer.release()
        finally:
            capture.release()

    def _frames(self, maps, target, writer):
        per_frame = [name for name in self.formats if name != "color"]
        limits = None
        for number, values in enumerate(maps):  # there is at least one
            write_outputs(target / f"{number:06}", values, self.kind, per_frame)
            near = nearness(values, self.kind)
            # Colours follow the scene slowly; a range of its own for each frame would flicker.
            new = np.array(value_range(near))
            limits = new if limits is None else 0.9 * limits + 0.1 * new
            if writer is not None:
                writer.write(cv2.cvtColor(colorize(near, *limits), cv2.COLOR_RGB2BGR))
        return number + 1


def _frames(capture):
    while True:
        good, frame = capture.read()
        if not good:
            return
        yield None, cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)


def predict_all(
    predictor: Predictor,
    *,
    kind: str,
    input_path: str,
    output_path: str | Path,
    formats: Collection[str],
    skip_bad: bool = False,
) -> None:
    """Predict every image, then every video, of input_path into output_path.

    Args:
        predictor: the network.
        kind: meaning of its maps: depth (metres), inverse_depth or disparity.
        input_path: file, folder, glob or video.
        output_path: folder.
        formats: see `write_outputs`; the colours of a video become a video.
        skip_bad: leave out files that cannot be read.
    Raises:
        InputError: no input, or an unreadable one without skip_bad.
    """
    job = _Job(find_inputs(input_path), output_path, predictor, kind, formats)
    done, began = 0, time.perf_counter()
    images = [file for file in job.files if file.suffix.lower() not in VIDEOS]
    videos = [file for file in job.files if file.suffix.lower() in VIDEOS]
    maps = in_batches(job.readable(images, read_rgb, skip_bad), predictor)
    results = itertools.chain(
        itertools.starmap(job.image, maps), job.readable(videos, job.video, skip_bad)
    )
    for number, (file, count) in enumerate(results, 1):
        done += count
        rate = done / (time.perf_counter() - began)
        place = f"{number + len(job.bad)}/{len(job.files)}"
        print(f"  processing {file} ({place}), {rate:.2f} images/s", flush=True)
    seconds, bad = time.perf_counter() - began, len(job.bad)
    print(f"{done} images in {seconds:.2f} s, {done / seconds:.2f} images/s, {bad} left out")
