"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Pictures and videos in, depth files out: the part of infer.py that no model changes.
"""

import glob
import itertools
import sys
import time
from pathlib import Path

import cv2
import numpy as np

from .config import InputError
from .images import colorize, read_rgb, value_range, write_npy, write_pfm, write_png

IMAGES = {".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".tif", ".tiff", ".webp"}
VIDEOS = {".mp4", ".avi", ".mov", ".mkv", ".m4v", ".webm"}
INVERSE_KINDS = ("inverse_depth", "disparity")


def find_inputs(pattern):
    """Pictures and videos that a file, a folder or a glob names, sorted.

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
        what = "holds no picture or video" if path.is_dir() else "does not exist"
        raise InputError(f"input_path {pattern} {what}; give a file, a folder, a glob or a video")
    return files


def to_png16(values, kind):
    """(H, W) map as the 16-bit picture: millimetres, or MiDaS's full-range scaling (truncated)."""
    if kind not in INVERSE_KINDS:
        return np.uint16(np.clip(np.rint(values * 1000), 0, 65535))
    values = np.float32(values)
    low, high = values.min(), values.max()
    if high - low <= np.finfo(np.float32).eps:
        return np.zeros(values.shape, np.uint16)
    return (np.float32(65535) * (values - low) / (high - low)).astype(np.uint16)


def nearness(values, kind):
    """Map whose large values are near, for colours."""
    return values if kind in INVERSE_KINDS else 1 / np.maximum(values, 1e-6)


def write_outputs(stem, values, kind, formats, limits=None):
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
        write_png(f"{stem}_color.png", colorize(near, *(limits or value_range(near))))


def in_batches(pictures, predict):
    """Predict pictures, several at once where `predict` can.

    Args:
        pictures: iterable of (anything, (H, W, 3) uint8 RGB).
        predict: picture -> map; one with `batch_size` and `batch` (list of pictures -> list of
            maps) is given that many at once.
    Returns:
        Generator of (anything, map) in the same order.
    """
    size = getattr(predict, "batch_size", 1)
    pictures = iter(pictures)
    while part := list(itertools.islice(pictures, size)):
        names, images = zip(*part)
        maps = predict.batch(list(images)) if size > 1 else map(predict, images)
        yield from zip(names, maps)


def predict_all(config, predict, kind):
    """Predict every picture, then every video, of config.input_path into config.output_path.

    Args:
        config: namespace with input_path, output_path, formats and skip_bad_samples.
        predict: as for in_batches; maps are (H, W) float32.
        kind: meaning of the map: depth, inverse_depth or disparity.
    Raises:
        InputError: no input, or an unreadable one without skip_bad_samples.
    """
    files = find_inputs(config.input_path)
    stems = [file.stem for file in files]
    names = {f: f.stem if stems.count(f.stem) == 1 else f.name.replace(".", "_") for f in files}
    done, bad, began = 0, [], time.perf_counter()

    def readable(read, kept):
        """(file, read(file)) of the files that are not bad."""
        for file in kept:
            try:
                yield file, read(file)
            except InputError as err:
                if not config.skip_bad_samples:
                    raise
                bad.append(file)
                print(f"left out: {err}", file=sys.stderr, flush=True)

    def video(file):
        return _predict_video(file, Path(config.output_path) / names[file], predict, kind, config)

    def picture(file, values):
        write_outputs(Path(config.output_path) / names[file], values, kind, config.formats)
        return file, 1

    pictures = readable(read_rgb, [file for file in files if file.suffix.lower() not in VIDEOS])
    written = itertools.starmap(picture, in_batches(pictures, predict))
    videos = readable(video, [file for file in files if file.suffix.lower() in VIDEOS])
    for number, (file, count) in enumerate(itertools.chain(written, videos), 1):
        done += count
        rate = done / (time.perf_counter() - began)
        place = f"{number + len(bad)}/{len(files)}"
        print(f"  processing {file} ({place}), {rate:.2f} images/s", flush=True)
    seconds = time.perf_counter() - began
    print(f"{done} images in {seconds:.2f} s, {done / seconds:.2f} images/s, {len(bad)} left out")


def _frames(capture):
    while True:
        good, frame = capture.read()
        if not good:
            return
        yield None, cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)


def _predict_video(file, target, predict, kind, config):
    capture = cv2.VideoCapture(str(file))
    rate, count, limits, writer = capture.get(cv2.CAP_PROP_FPS) or 25, 0, None, None
    temporary = target.with_name(f".{target.name}_color.tmp.mp4")
    per_frame = [name for name in config.formats if name != "color"]
    try:
        for _, values in in_batches(_frames(capture), predict):
            write_outputs(target / f"{count:06}", values, kind, per_frame)
            near = nearness(values, kind)
            # Colours follow the scene slowly; a range of its own for each frame would flicker.
            new = np.array(value_range(near))
            limits = new if limits is None else 0.9 * limits + 0.1 * new
            if writer is None and "color" in config.formats:
                temporary.parent.mkdir(parents=True, exist_ok=True)
                code, size = cv2.VideoWriter_fourcc(*"mp4v"), near.shape[::-1]
                writer = cv2.VideoWriter(str(temporary), code, rate, size)
            if writer is not None:
                writer.write(cv2.cvtColor(colorize(near, *limits), cv2.COLOR_RGB2BGR))
            count += 1
    finally:
        capture.release()
        if writer is not None:
            writer.release()
    if not count:
        raise InputError(f"{file}: no frame can be read; broken, or not a video")
    if writer is not None:
        temporary.replace(target.with_name(f"{target.name}_color.mp4"))
    return count
