"""KITTI as video: raw drives with both colour cameras, and the odometry benchmark.

kitti_drives   <date>/{calib_*.txt,<drive>/...}, splits/synthetic/{train,val,test}_files.txt,
               splits/eigen/test_files.txt (the same test frames),
               lists/{test_scenes_eigen,test_files_eigen,static_frames}.txt
kitti_odom     sequences/, poses/, splits/odom/{train,val,test}_files*.txt
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.synthetic import kitti_text
from tests.synthetic.files import Plan, write_text
from tests.synthetic.kitti_drives import OdometryTree, RawTree, write_drive
from tests.synthetic.kitti_rig import DATES, rig
from tests.synthetic.traffic import timetable
from tests.synthetic.writers_video import FIRST_ANNOTATED

TEST_SEQUENCES = (9, 10)
SEQUENCE_DATES = {3: "2011_09_26", **dict.fromkeys(range(3), "2011_10_03")}  # else 2011_09_30
VAL_EVERY = 10  # one frame in so many is for validation


def drive_names(count):
    """Folder names of drives, on all dates in turn.

    Args:
        count: how many.

    Returns:
        list of str.
    """
    return [f"{DATES[i % len(DATES)]}_drive_{i + 1:04d}_sync" for i in range(count)]


def static_frames(seed, frames):
    """Frames of a drive from which the camera does not move to the next or did not to the last.

    Args:
        seed: that of the drive.
        frames: of the drive.

    Returns:
        list of frame numbers.
    """
    table = timetable(np.random.default_rng([*np.atleast_1d(seed), 77, 1]))
    return [n for n in range(frames) if table.stands(n) or (n and table.stands(n - 1))]


def drive_seed(seed, index):
    """The seed of one drive of the raw data."""
    return (seed, 30, index)


def plan_kitti_drives(out, seed, drives, test, frames, height, laser, images, annotated, speed=100):
    """Plan KITTI's raw data: both colour cameras, calibration, laser scans, oxts, lists.

    Args:
        out: folder; `data_path` for Monodepth2.
        seed: whole number.
        drives: to train on.
        test: drives to test on.
        frames: of each drive.
        height: pixels of the first date's images; other dates' differ as the real ones do.
        laser: rays of a beam in one turn; 0 leaves the scanner out.
        images: "png" or "jpg".
        annotated: 1 adds the depth benchmark's maps, but for the first and last frames.
        speed: percent of the usual one.

    Returns:
        Plan.
    """
    names = drive_names(drives + test)
    options = (frames, height, laser, images, annotated, speed / 100)
    jobs = [
        (_write_raw, (out, drive_seed(seed, index), name, *options))
        for index, name in enumerate(names)
    ]
    dates = sorted({name[:10] for name in names})
    jobs.append((_write_calibrations, (out, dates, height)))
    jobs.append((write_raw_lists, (out, seed, names, drives, frames, images)))
    return Plan((*dates, "splits", "lists"), jobs)


def _write_raw(out, seed, name, frames, height, laser, images, annotated, speed):
    tree = RawTree(out, name, images, laser, annotated_frames(frames) if annotated else ())
    return write_drive(seed, rig(name[:10], height), frames, [tree], speed)


def annotated_frames(frames):
    """The frames of a drive for which the depth benchmark has maps."""
    return range(FIRST_ANNOTATED, frames - FIRST_ANNOTATED)


def _write_calibrations(out, dates, height):
    return sum(
        write_text(Path(out) / date / name, text)
        for date in dates
        for name, text in kitti_text.calibration_texts(rig(date, height)).items()
    )


def write_raw_lists(out, seed, names, train, frames, images):
    """Write Monodepth2's lists and GeoNet's.

    Args:
        out: folder.
        seed: whole number.
        names: of all drives.
        train: how many of them are to train on.
        frames: of each drive.
        images: "png" or "jpg".

    Returns:
        Number of files written.
    """
    still = {name: static_frames(drive_seed(seed, i), frames) for i, name in enumerate(names)}
    moving = [
        f"{name[:10]}/{name} {n} {side}\n"
        for name in names[:train]
        for n in range(1, frames - 1)
        if n not in still[name]
        for side in "lr"
    ]
    order = np.random.default_rng((seed, 31)).permutation(len(moving))
    mixed = [moving[i] for i in order]
    tests = [(name, n) for name in names[train:] for n in range(frames)]
    test_lines = [f"{x[:10]}/{x} {n:010d} l\n" for x, n in tests]
    folder = Path(out)
    lists = {
        "splits/synthetic/train_files": [x for i, x in enumerate(mixed) if i % VAL_EVERY],
        "splits/synthetic/val_files": mixed[::VAL_EVERY],
        **dict.fromkeys(("splits/synthetic/test_files", "splits/eigen/test_files"), test_lines),
        "lists/test_files_eigen": [
            f"{x[:10]}/{x}/image_02/data/{n:010d}.{images}\n" for x, n in tests
        ],
        "lists/test_scenes_eigen": [name[: -len("_sync")] + "\n" for name in names[train:]],
        "lists/static_frames": [f"{x[:10]} {x} {n:010d}\n" for x in names for n in still[x]],
    }
    return sum(write_text(folder / f"{name}.txt", "".join(x)) for name, x in lists.items())


def plan_kitti_odom(out, seed, sequences, test, frames, height, speed):
    """Plan KITTI's odometry benchmark: sequences from 00 to train on, 09 and 10 to test on.

    Args:
        out: folder; `data_path` for Monodepth2's odom split.
        seed: whole number.
        sequences: to train on, at most 9.
        test: 1 for sequence 09 alone, 2 for 10 as well.
        frames: of each.
        height: pixels of sequence 03's images; others' differ as the real ones do.
        speed: percent of the usual one.

    Returns:
        Plan.
    """
    numbers = sequence_numbers(sequences, test)
    jobs = [(_write_odom, (out, seed, number, frames, height, speed / 100)) for number in numbers]
    jobs.append((write_odom_lists, (out, seed, numbers, frames)))
    return Plan(("sequences", "poses", "splits"), jobs)


def sequence_numbers(sequences, test):
    """The numbers of some sequences.

    Args:
        sequences: how many to train on.
        test: how many to test on.

    Returns:
        list of whole numbers.

    Raises:
        ValueError: more than the benchmark has.
    """
    if sequences > 9 or test > 2:
        raise ValueError("there are at most 9 sequences to train on and 2 to test on")
    return [*range(sequences), *TEST_SEQUENCES[:test]]


def sequence_rig(number, height):
    """The calibration of a sequence, that of the day on which the real one was recorded.

    Args:
        number: of the sequence.
        height: pixels, as in rig().

    Returns:
        Rig.
    """
    return rig(SEQUENCE_DATES.get(number, "2011_09_30"), height)


def _write_odom(out, seed, number, frames, height, speed):
    trees = [OdometryTree(out, number)]
    seed = (seed, 32, number)
    return write_drive(seed, sequence_rig(number, height), frames, trees, speed)


def write_odom_lists(out, seed, numbers, frames):
    """Write Monodepth2's lists of the odometry split.

    Args:
        out: folder.
        seed: whole number.
        numbers: of the sequences.
        frames: of each.

    Returns:
        Number of files written.
    """
    lines = [
        f"{number} {n} l\n"
        for number in numbers
        for n in range(1, frames - 1)
        if number not in TEST_SEQUENCES
    ]
    order = np.random.default_rng((seed, 33)).permutation(len(lines))
    mixed = [lines[i] for i in order]
    folder = Path(out) / "splits" / "odom"
    lists = {"train_files": [x for i, x in enumerate(mixed) if i % VAL_EVERY]}
    lists["val_files"] = mixed[::VAL_EVERY]
    for number in set(numbers) & set(TEST_SEQUENCES):
        tested = [f"{number} {n} l\n" for n in range(frames - 1)]
        lists[f"test_files_{number:02d}"] = tested
    return sum(write_text(folder / f"{name}.txt", "".join(x)) for name, x in lists.items())
