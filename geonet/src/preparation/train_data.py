"""prepare_train_data.py: strips to train on from KITTI raw, KITTI odometry or Cityscapes."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from ..model_utils.errors import InputError
from . import cityscapes, dump_root, kitti, static_frames
from .command_line import Parser, check_width, frames_of_sample, run, whole
from .frames import Strip, missing_inside
from .jobs import Progress, processes_for, run_jobs
from .scenes import drives_of_test_set, listed_drives
from .strips import FrameSize, write_strips

DATASETS = ("kitti_raw_eigen", "kitti_raw_stereo", "kitti_odom", "cityscapes")
ROWS = 128  # of the frames of KITTI's strips
LINE_EVERY = 2000  # strips
_PART = 64  # strips of a job, which read the images that they share once


def main(description: str, arguments: Sequence[str] | None = None) -> None:
    """Run the program.

    Args:
        description: for --help.
        arguments: those of the command line unless they are given.
    """
    run(lambda: prepare(parse(description, arguments)))


def parse(description: str, arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The options, under the original's names."""
    parser = Parser(description)
    add = parser.add_argument
    add("--dataset_dir", type=Path, required=True, help="folder of the data set")
    add("--dataset_name", required=True, choices=DATASETS, help="what it is")
    add("--dump_root", type=Path, required=True, help="folder for the strips and their lists")
    add("--seq_length", type=frames_of_sample, required=True, help="frames of a strip, odd")
    rows = f"rows to which images are resized ({ROWS}; cityscapes: {cityscapes.ROWS}, of which the "
    add("--img_height", type=whole(8), help=f"{rows}upper three quarters stay)")
    add("--img_width", type=whole(8), default=416, help="columns of each frame (416)")
    add("--num_threads", type=whole(1, 999), default=4, help="processes, at most one per core (4)")
    add("--remove_static", action="store_true", help="KITTI raw: leave out frames without motion")
    add("--static_frames", type=Path, help="list of them, such as the original's static_frames.txt")
    add("--min_speed", type=_speed, default=0.5, help="without a list: m/s that are motion (0.5)")
    add("--test_scenes", type=Path, help="KITTI raw: drives to leave out (those of the test set)")
    cameras = kitti.SEQUENCE_CAMERAS
    add("--camera", choices=cameras, default="image_2", help="of odometry (image_2)")
    options = parser.parse_args(arguments)
    for name in ("static_frames", "test_scenes"):
        if getattr(options, name) and not options.dataset_name.startswith("kitti_raw"):
            parser.error(f"--{name} is for kitti_raw_eigen and kitti_raw_stereo")
    check_width(parser, options)
    options.remove_static |= options.static_frames is not None
    return options


def _speed(text):
    """Metres per second."""
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value <= 100:
        raise argparse.ArgumentTypeError(f"{text!r}; expected metres per second, 0 to 100")
    return value


def frame_size(dataset_name: str, height: int | None, width: int) -> FrameSize:
    """The size of a strip's frames.

    Args:
        dataset_name: one of DATASETS.
        height: rows to which images are resized; None: the data set's own.
        width: columns.
    """
    if dataset_name != "cityscapes":
        return FrameSize(height or ROWS, width, height or ROWS)
    height = height or cityscapes.ROWS
    return FrameSize(height, width, int(height * cityscapes.KEPT))


def prepare(options: argparse.Namespace) -> None:
    """Make the strips that are missing, then the lists.

    Args:
        options: of `parse`.
    Raises:
        InputError: nothing to prepare, a file is missing or damaged, or the folder holds strips
            that were made otherwise.
    """
    root = options.dump_root
    frame = frame_size(options.dataset_name, options.img_height, options.img_width)
    settings = {"dataset_name": options.dataset_name, "seq_length": options.seq_length}
    settings.update(img_height=frame.height, img_width=frame.width, camera=options.camera)
    dump_root.check_record(root, settings)
    strips, still = plan(options)
    dump_root.write_record(root, settings)
    if still is not None:
        static_frames.write_list(root / static_frames.LIST, still)
    missing = dump_root.missing_strips(root, strips)
    processes = processes_for(options.num_threads)
    ready = f"{len(strips) - len(missing)} of {len(strips)} strips are there already"
    print(f"{ready}; processes: {processes}")
    if missing:
        _make(missing, root, frame, processes)
    train, val = dump_root.write_lists(root, strips)
    size = f"{options.seq_length} frames of {frame.width}x{frame.rows} pixels"
    print(f"{root}: {train} strips in train.txt, {val} in val.txt, of {size}")


def _make(strips, root, frame, processes):
    """Make strips in several processes."""
    jobs = [strips[start : start + _PART] for start in range(0, len(strips), _PART)]
    progress, faults = Progress(len(strips), "strips", LINE_EVERY), set()
    for count, found in run_jobs(partial(write_strips, root, frame), jobs, processes):
        progress.add(count)
        faults.update(found)
    progress.close()
    for fault in sorted(faults):
        print(f"bad input: {fault}", flush=True)
    if faults:
        raise InputError(
            f"{len(faults)} of the images cannot be used, first: {min(faults)}; get them again, "
            "then the same command makes what is missing"
        )


def plan(options: argparse.Namespace) -> tuple[list[Strip], dict[str, list[int]] | None]:
    """All strips of a data set, and the static frames if they were found here.

    Args:
        options: of `parse`.
    Raises:
        InputError: see `prepare`.
    """
    name, root, length, still = options.dataset_name, options.dataset_dir, options.seq_length, None
    if options.remove_static and not name.startswith("kitti_raw"):
        print(f"--remove_static is ignored for {name}, as in the original")
    if name == "cityscapes":
        strips = cityscapes.city_strips(root, length)
    elif name == "kitti_odom":
        drives = kitti.sequences(root, options.camera)
        _tell(drives)
        strips = kitti.sequence_strips(drives, options.camera, length)
    else:
        if options.test_scenes:
            test_scenes = listed_drives(options.test_scenes)
        else:
            test_scenes = drives_of_test_set(name.rpartition("_")[2])
        drives, tested = kitti.raw_drives(root, test_scenes)
        _tell(drives, f"; left out, of the test set: {tested}")
        static, still = _static_frames(options, drives)
        strips = kitti.raw_strips(drives, static, length)
    if not strips:
        raise InputError(f"{root}: no {length} frames follow each other; check --seq_length")
    return strips, still


def _tell(drives, more=""):
    """How much there is, and what is missing inside."""
    files = {name: found for drive in drives for name, found in drive.images.items()}
    count = sum(map(len, files.values()))
    print(f"drives: {len(drives)}, images: {count}{more}", flush=True)
    gaps = {name: missing_inside(found) for name, found in files.items()}
    if lost := sum(count for count, _ in gaps.values()):
        name, first = next((name, first) for name, (count, first) in gaps.items() if count)
        print(
            f"{lost} images are missing inside of drives, first number {first} of {name}: no strip "
            "reaches across them",
            flush=True,
        )


def _static_frames(options, drives):
    """({drive: numbers}, the same if they were found here) of frames to leave out."""
    if not options.remove_static:
        return {}, None
    if options.static_frames:
        static, how, found = static_frames.listed_frames(options.static_frames), "the list", None
    else:
        processes = processes_for(options.num_threads)
        found, by_images = static_frames.found_frames(drives, options.min_speed, processes)
        static, how = found, f"oxts, slower than {options.min_speed:g} m/s"
        how += f"; images in {by_images} drives without oxts" if by_images else ""
        how += "; not the original's list, which --static_frames takes"
    count = sum(
        number in files
        for drive in drives
        for files in drive.images.values()
        for number in static.get(drive.name, ())
    )
    print(f"{count} images without motion are left out, by {how}", flush=True)
    return static, found
