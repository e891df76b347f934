"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

The test frames of Eigen et al. (2014), KITTI raw, by rule: every so many frames of 28 drives.

The evaluation is over 697 frames of the left camera; the improved ground truth of KITTI's depth
benchmark (eigen_benchmark) covers 652 of them: it has none for the first and last 5 of a drive.

A list of the original has its own order, which foreign predictions follow and no rule tells: a
user's copy of it comes first.
"""

from __future__ import annotations

from pathlib import Path

from ..model_utils.errors import InputError
from ..model_utils.files import is_file
from .lists import Frame, read_split

SPLITS = ("eigen", "eigen_benchmark")
_WITHOUT_DEPTH = 5  # frames at a drive's start, and at its end
# Day, drive, step, first-last of each run of frames; <N: the drive's last 5 frames begin at N
# (only where a test frame is among them).
_RULES = """
2011_09_26 0002 3 0-63 69-75 <72
2011_09_26 0009 16 0-176 196-388
2011_09_26 0013 5 0-10 20 30-50 60-70 80-140 <139
2011_09_26 0020 3 0-21 27 33-36 42-78 84 <81
2011_09_26 0023 18 18-216 252-468
2011_09_26 0027 7 0-98 112-147 161-182
2011_09_26 0029 14 0-196 268 296-408
2011_09_26 0036 32 0-704 768-800 <798
2011_09_26 0046 5 0-120 <120
2011_09_26 0048 1 0-21 <17
2011_09_26 0052 2 0-22 26-32 36-52
2011_09_26 0056 11 11-121 143-286
2011_09_26 0059 14 0-154 182-238 274-372 <368
2011_09_26 0064 22 0-110 154-550
2011_09_26 0084 13 49-153 179-374
2011_09_26 0086 27 7-520 574-682
2011_09_26 0093 16 0-256 305-417
2011_09_26 0096 19 0-456
2011_09_26 0101 34 80-216 284-930
2011_09_26 0106 8 15 35-219
2011_09_26 0117 26 0-494 546-650
2011_09_28 0002 3 0-12 18-24 30-39 45-63 72 78-90
2011_09_29 0071 36 0-612 735-807 879-951 1054 <1054
2011_09_30 0016 11 0-88 110-275 <274
2011_09_30 0018 107 0-214 428-2247 2419-2740
2011_09_30 0027 41 0-656 753-958 1040-1081
2011_10_03 0027 181 0-543 734-2001 2363-4535
2011_10_03 0047 32 0-224 288-800
"""


def eigen_test_frames(split: str = "eigen") -> list[Frame]:
    """The frames of Eigen's test set, sorted by drive and number.

    Args:
        split: eigen (697 frames), or eigen_benchmark (the 652 with improved ground truth).
    """
    return [frame for rule in _RULES.split("\n")[1:-1] for frame in _frames(rule.split(), split)]


def _frames(words, split):
    day, drive, step, *runs = words
    last = int(runs.pop()[1:]) if runs[-1].startswith("<") else None
    bounds = [tuple(map(int, run.split("-"))) for run in runs]
    numbers = [n for bound in bounds for n in range(bound[0], bound[-1] + 1, int(step))]
    if split == "eigen_benchmark":
        numbers = [n for n in numbers if n >= _WITHOUT_DEPTH and (last is None or n < last)]
    return [Frame(f"{day}/{day}_drive_{drive}_sync", number, "l") for number in numbers]


def own_list(split_dir: str | Path, split: str) -> Path | None:
    """The user's copy of the original's list of a test set, if there is one."""
    path = Path(split_dir) / split / "test_files.txt"
    return path if is_file(path) else None


def eigen_frames(split_dir: str | Path, split: str) -> list[Frame]:
    """The frames of a test set: those of the user's list in its order, else by the rule, sorted.

    Args:
        split_dir: folder of the lists.
        split: eigen or eigen_benchmark.
    Raises:
        InputError: the list is malformed, or of another data set.
    """
    path = own_list(split_dir, split)
    if path is None:
        return eigen_test_frames(split)
    frames = read_split(path)
    if any(frame.folder.isdecimal() for frame in frames):
        raise InputError(f"{path} is a list of odometry; {split} needs date/drive in each line")
    return frames


def benchmark_places(split_dir: str | Path) -> list[int]:
    """Where the frames of eigen_benchmark are in the list of eigen.

    Predictions that follow eigen's list are scored on the improved ground truth by these.

    Args:
        split_dir: folder of the lists.
    Raises:
        InputError: a frame of eigen_benchmark is not in the list of eigen.
    """
    places = {frame: place for place, frame in enumerate(eigen_frames(split_dir, "eigen"))}
    frames = eigen_frames(split_dir, "eigen_benchmark")
    for frame in frames:
        if frame not in places:
            raise InputError(
                f"{split_dir}: {frame.folder} {frame.index} of eigen_benchmark is not in the list "
                "of eigen; use both lists of one copy"
            )
    return [places[frame] for frame in frames]
