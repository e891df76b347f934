"""Writing data sets: images, jobs run side by side, and the mark of a finished folder."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

COMPLETE = ".complete"
INCOMPLETE = ".incomplete"
VERSION = 2  # raise it when the same arguments give other files


@dataclass(frozen=True)
class Plan:
    """What a writer is going to do.

    Attributes:
        entries: names directly below the output folder that will be made.
        jobs: list of (function, arguments); each call returns how many files it wrote.
    """

    entries: tuple
    jobs: list


def write_image(path, image):
    """Write a image; the folder is made if need be.

    Args:
        path: file; .jpg, .JPG and .thumb become JPEG of quality 95, all else PNG.
        image: (H, W, 3) uint8 RGB, or (H, W) uint8 or uint16.

    Raises:
        OSError: the file cannot be written.
    """
    path = Path(path)
    if image.ndim == 3:
        image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    if path.suffix.lower() in (".jpg", ".thumb"):
        ok, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 95])
    else:
        ok, data = cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not ok:
        raise OSError(f"{path}: OpenCV could not encode {image.shape} {image.dtype}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.tobytes())


def write_text(path, text):
    """Write a text file; the folder is made if need be.

    Args:
        path: file.
        text: str.

    Returns:
        1, the number of files written.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return 1


def quantized(values, scale, dtype):
    """Scale, round to the nearest whole number and clip to what the type holds.

    Args:
        values: array.
        scale: factor.
        dtype: numpy.uint8 or numpy.uint16.

    Returns:
        Array of `dtype`.
    """
    limit = np.iinfo(dtype).max
    return np.clip(np.rint(np.asarray(values, np.float64) * scale), 0, limit).astype(dtype)


def build(out, arguments, plan, workers):
    """Carry a plan out, unless the folder holds its complete result already.

    Args:
        out: folder.
        arguments: dict that JSON can hold; all that the result depends on.
        plan: Plan.
        workers: processes; 1 works in this one.

    Returns:
        Number of files written; None when there was nothing to do.

    Raises:
        FileExistsError: the folder holds something else.
    """
    out, arguments = Path(out), {**arguments, "version": VERSION}
    if _read_mark(out / COMPLETE).get("arguments") == arguments:
        return None
    _make_room(out, plan)
    mark = {"arguments": arguments, "entries": list(plan.entries)}
    (out / INCOMPLETE).write_text(json.dumps(mark, indent=1) + "\n")
    written = _run(plan.jobs, min(workers, len(plan.jobs)))
    (out / INCOMPLETE).replace(out / COMPLETE)
    return written


def _read_mark(path):
    try:
        mark = json.loads(path.read_text())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return {}
    return mark if isinstance(mark, dict) else {}


def _make_room(out, plan):
    """Make the folder, and take away what an earlier run of ours, and only ours, left in it."""
    if out.exists() and not out.is_dir():
        raise FileExistsError(f"{out}: is a file; name a folder")
    out.mkdir(parents=True, exist_ok=True)
    if (out / COMPLETE).exists():
        # From here on an interruption must be noticed.
        (out / COMPLETE).replace(out / INCOMPLETE)
    ours = {Path(name).name for name in _read_mark(out / INCOMPLETE).get("entries", ())}
    for name in plan.entries:
        if name not in ours and (out / name).exists():
            raise FileExistsError(
                f"{out / name}: exists and was not written by this command; name another folder"
            )
    for name in ours:
        path = out / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _run(jobs, workers):
    """Run the jobs, in other processes when there are several."""
    if workers <= 1:
        return sum(function(*arguments) for function, arguments in jobs)
    # spawn: a fork of a process that runs OpenCV's or MindSpore's threads may hang.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=_one_thread) as pool:
        futures = [pool.submit(function, *arguments) for function, arguments in jobs]
        return sum(future.result() for future in futures)


def _one_thread():
    cv2.setNumThreads(1)


def default_workers():
    """How many processes are worth starting here: one a core that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
