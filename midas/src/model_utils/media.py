"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Images and videos in, depth files out: the part of infer.py that all models share.
"""

from __future__ import annotations

import glob
import itertools
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from .batches import Predictor, after, in_batches
from .errors import InputError
from .files import replacing
from .images import colorize, nearness, read_rgb, value_range, write_outputs

IMAGES = {".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".tif", ".tiff", ".webp"}
VIDEOS = {".mp4", ".avi", ".mov", ".mkv", ".m4v", ".webm"}
_WAITING = 4  # results that may wait to be written
_AT_A_TIME = 4  # on CPU convolutions are up to a sixth faster than one by one


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


def is_one_image(pattern: str) -> bool:
    """Whether a file, a folder or a glob names a single image; raises as `find_inputs`."""
    files = find_inputs(pattern)
    return len(files) == 1 and files[0].suffix.lower() not in VIDEOS


def images_at_a_time(pattern: str, asked: int) -> int:
    """How many a network takes: as many as asked for; for 0, of many images or a video, four.

    Raises as `find_inputs`.
    """
    files = find_inputs(pattern)
    is_video = any(file.suffix.lower() in VIDEOS for file in files)
    return asked or (_AT_A_TIME if is_video or len(files) >= 2 * _AT_A_TIME else 1)


def result_names(files: list[Path]) -> dict[Path, Path]:
    """{file: the stem of its results}, in sub-folders where the files lie in several folders.

    Files of one folder whose names differ in the ending alone keep it, a_jpg and a_png.
    """
    common = Path(os.path.commonpath([file.parent for file in files]))
    stems = Counter((file.parent, file.stem) for file in files)
    names = {}
    for file in files:
        is_only = stems[file.parent, file.stem] == 1
        name = file.stem if is_only else file.name.replace(".", "_")
        names[file] = file.parent.relative_to(common) / name
    return names


class Frame(NamedTuple):
    """An image (H, W, 3) uint8 RGB, None if it is bad, and its place in its folder or video."""

    file: Path
    sequence: Path
    number: int
    image: np.ndarray | None


class Job:
    """Where the results of infer.py go, in which formats, and what could not be read.

    A model that sees several frames, or predicts something else than depth, has a job of its own
    (sfm_utils/results.py) with other `order`, `samples`, `write`, `color`, `finish`.
    """

    def __init__(
        self,
        files: list[Path],
        output: str | Path,
        predictor: Predictor,
        kind: str,
        formats: Collection[str],
    ):
        self.files, self.output, self.predictor = self.order(files), Path(output), predictor
        self.kind, self.formats, self.bad, self.limits = kind, formats, [], {}
        self.names = result_names(files)
        if len({path.name for path in self.names.values()}) == len(files):
            self.names = {file: Path(path.name) for file, path in self.names.items()}

    def order(self, files: list[Path]) -> list[Path]:
        """The files as they follow each other."""
        return files

    def samples(self, frames: Iterable[Frame]) -> Iterator[tuple[Frame, Any]]:
        """(frame, what the predictor takes) of the frames that have a result."""
        return ((frame, frame.image) for frame in frames if frame.image is not None)

    def write(self, stem: Path, frame: Frame, values: Any, formats: Collection[str]) -> None:
        """Write one prediction as <stem>*."""
        write_outputs(stem, values, self.kind, formats)

    def color(self, frame: Frame, values: Any) -> np.ndarray:
        """(H, W, 3) uint8 RGB for a video."""
        near = nearness(values, self.kind)
        new = np.array(value_range(near))
        # Colours follow the scene slowly; a range of its own for each frame would flicker.
        last = self.limits.get(frame.sequence)
        limits = new if last is None else 0.9 * last + 0.1 * new
        self.limits = {frame.sequence: limits}
        return colorize(near, *limits)

    def finish(self) -> str:
        """After the last prediction; what to add to the line that sums up."""
        return ""

    def readable(self, files: Iterable[Path], read: Callable, skip_bad: bool) -> Iterator[tuple]:
        """(file, read(file)), or (file, None) of a bad one."""
        for file in files:
            try:
                yield file, read(file)
            except InputError as err:
                if not skip_bad:
                    raise
                self.bad.append(file)
                print(f"left out: {err}", file=sys.stderr)
                yield file, None

    def images(self, files: Iterable[Path], skip_bad: bool) -> Iterator[tuple[Path, int]]:
        """(file, 1) of each image that has a result, once that is written."""
        samples = self.samples(self._frames(files, skip_bad))
        return after(in_batches(samples, self.predictor), self._written, _WAITING)

    def _written(self, prediction):
        frame, values = prediction
        self.write(self.output / self.names[frame.file], frame, values, self.formats)
        return frame.file, 1

    def _frames(self, files, skip_bad):
        numbers = {}
        for file, image in self.readable(files, read_rgb, skip_bad):
            number = numbers[file.parent] = numbers.get(file.parent, -1) + 1
            yield Frame(file, file.parent, number, image)

    def video(self, file: Path) -> int:
        """Predict every frame; the number of results."""
        capture = cv2.VideoCapture(str(file))
        try:
            frames = _frames(file, capture)
            start = next(frames, None)
            if start is None:
                raise InputError(f"{file}: no frame can be read; broken, or not a video")
            frames = self.samples(itertools.chain([start], frames))
            target = self.output / self.names[file]
            if "color" not in self.formats:
                return self._write_all(in_batches(frames, self.predictor), target, None)
            with replacing(target.with_name(f"{target.name}_color.mp4")) as temporary:
                rate, code = capture.get(cv2.CAP_PROP_FPS), cv2.VideoWriter_fourcc(*"mp4v")
                rate = rate if 0 < rate <= 1000 else 25  # of a damaged header
                writer = cv2.VideoWriter(str(temporary), code, rate, start.image.shape[1::-1])
                try:
                    if not writer.isOpened():
                        text = f"no colour video of {rate:g} images/s can be written"
                        raise InputError(f"{file}: {text}; leave color out of --formats")
                    return self._write_all(in_batches(frames, self.predictor), target, writer)
                finally:
                    writer.release()
        finally:
            capture.release()

    def _write_all(self, predictions, target, writer):
        per_frame = [name for name in self.formats if name != "color"]

        def write(prediction):
            frame, values = prediction
            self.write(target / f"{frame.number:06}", frame, values, per_frame)
            if writer is not None:
                writer.write(cv2.cvtColor(self.color(frame, values), cv2.COLOR_RGB2BGR))
            return 1

        return sum(after(predictions, write, _WAITING))


def _frames(file, capture):
    for number in itertools.count():
        good, frame = capture.read()
        if not good:
            return
        yield Frame(file, file, number, cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))


def predict_all(
    predictor: Predictor,
    *,
    kind: str,
    input_path: str,
    output_path: str | Path,
    formats: Collection[str],
    skip_bad: bool = False,
    make_job: Callable[..., Job] = Job,
) -> None:
    """Predict every image, then every video, of input_path into output_path.

    Args:
        predictor: the network.
        kind: meaning of its maps: depth (metres), inverse_depth or disparity.
        input_path: file, folder, glob or video.
        output_path: folder.
        formats: see `write_outputs`; the colours of a video become a video.
        skip_bad: leave out files that cannot be read.
        make_job: see `Job`.
    Raises:
        InputError: no input, or an unreadable one without skip_bad.
    """
    job = make_job(find_inputs(input_path), output_path, predictor, kind, formats)
    done, began = 0, time.perf_counter()
    images = [file for file in job.files if file.suffix.lower() not in VIDEOS]
    videos = [file for file in job.files if file.suffix.lower() in VIDEOS]
    parts = job.images(images, skip_bad), job.readable(videos, job.video, skip_bad)
    numbers = {file: number for number, file in enumerate([*images, *videos], 1)}
    results = ((file, count) for file, count in itertools.chain(*parts) if count is not None)
    for file, count in results:
        done += count
        rate = done / (time.perf_counter() - began)
        place = f"{numbers[file]}/{len(job.files)}"
        print(f"  processing {file} ({place}), {rate:.2f} images/s", flush=True)
    more, seconds, bad = job.finish(), time.perf_counter() - began, len(job.bad)
    print(f"{done} images in {seconds:.2f} s, {done / seconds:.2f} images/s, {bad} left out{more}")
