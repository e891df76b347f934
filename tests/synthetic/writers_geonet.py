"""The Ascend GeoNet's data tree, and all of KITTI's trees of the same drives.

geonet         stageone/train/{<NN>/,train.txt,val.txt}, stageone/test/sequences/<NN>/,
               stageone/eval/<NN>_snippets/ (with `nested`: a folder <NN>/ inside it as well)
kitti_video    raw/, odometry/ and stageone/, each drive rendered once
"""

from __future__ import annotations

from pathlib import Path

from tests.synthetic import writers_kitti
from tests.synthetic.files import Plan
from tests.synthetic.geonet_tree import SnippetTree, StripTree, write_strip_lists
from tests.synthetic.kitti_drives import OdometryTree, RawTree, write_drive
from tests.synthetic.writers_kitti import TEST_SEQUENCES, sequence_rig


def plan_geonet(out, seed, sequences, test, frames, height, length, nested):
    """Plan the tree of the Ascend GeoNet: strips to train on, a sequence to test, its snippets.

    Args:
        out: folder; `data_path` of its pipelines.
        seed: whole number.
        sequences: to train on, at most 9.
        test: 1 for sequence 09 alone, 2 for 10 as well.
        frames: of each.
        height: pixels of sequence 03's images; strips are always 416x128.
        length: frames in a strip and in a snippet, an odd number.
        nested: 1 puts the snippets into <NN>_snippets/<NN>/, 0 into <NN>_snippets/.

    Returns:
        Plan.
    """
    if length % 2 == 0:
        raise ValueError(f"--length {length}: an odd number is needed, the middle is the target")
    numbers = writers_kitti.sequence_numbers(sequences, test)
    jobs = [
        (_write_stage, (out, (seed, 34, number), number, frames, height, length, nested))
        for number in numbers
    ]
    jobs.append((_write_lists, (out, numbers, frames, length)))
    return Plan(("stageone",), jobs)


def stage_trees(out, number, length, nested):
    """The trees that one sequence goes to.

    Args:
        out: folder above `stageone`.
        number: of the sequence.
        length: frames in a strip and in a snippet.
        nested: whether the snippets lie a folder deeper.

    Returns:
        list of trees.
    """
    stage, name = Path(out) / "stageone", f"{number:02d}"
    if number not in TEST_SEQUENCES:
        return [StripTree(stage / "train", name, length)]
    snippets = stage / "eval" / f"{name}_snippets"
    return [
        OdometryTree(stage / "test", number, (0, 2)),
        SnippetTree(snippets / name if nested else snippets, length),
    ]


def _write_stage(out, seed, number, frames, height, length, nested):
    trees = stage_trees(out, number, length, nested)
    return write_drive(seed, sequence_rig(number, height), frames, trees)


def _write_lists(out, numbers, frames, length):
    folders = [f"{number:02d}" for number in numbers if number not in TEST_SEQUENCES]
    return write_strip_lists(Path(out) / "stageone" / "train", folders, frames, length)


def plan_kitti_video(out, seed, drives, test, frames, height, laser, images, annotated):
    """Plan raw data, odometry benchmark and GeoNet's tree of the same drives.

    Args:
        out: folder.
        seed: whole number.
        drives: to train on, at most 9.
        test: drives to test on, at most 2.
        frames: of each drive.
        height: pixels of the first date's images.
        laser: rays of a beam in one turn; 0 leaves the scanner out.
        images: "png" or "jpg", of the raw data.
        annotated: 1 adds the depth benchmark's maps to the raw data.

    Returns:
        Plan.
    """
    numbers = writers_kitti.sequence_numbers(drives, test)
    raw = writers_kitti.plan_kitti_drives(
        Path(out) / "raw", seed, drives, test, frames, height, laser, images, annotated
    )
    names = writers_kitti.drive_names(len(numbers))
    jobs = [
        (_write_all, (out, writers_kitti.drive_seed(seed, index), number, name, *rest))
        for index, (number, name) in enumerate(zip(numbers, names))
        for rest in [(frames, height, laser, images, annotated)]
    ]
    jobs += raw.jobs[len(numbers) :]
    jobs.append((writers_kitti.write_odom_lists, (Path(out) / "odometry", seed, numbers, frames)))
    jobs.append((_write_lists, (out, numbers, frames, 3)))
    return Plan(("raw", "odometry", "stageone"), jobs)


def _write_all(out, seed, number, name, frames, height, laser, images, annotated):
    maps = writers_kitti.annotated_frames(frames) if annotated else ()
    trees = [
        RawTree(Path(out) / "raw", name, images, laser, maps),
        OdometryTree(Path(out) / "odometry", number),
        *stage_trees(out, number, 3, nested=False),
    ]
    return write_drive(seed, writers_kitti.rig(name[:10], height), frames, trees)
