"""generate_pose_snippets.py: the true poses of each few frames of a KITTI odometry sequence."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ..model_utils.errors import InputError
from ..sfm_utils.kitti import KittiOdometry
from ..sfm_utils.snippets import geonet_target_snippets, write_snippet
from ..sfm_utils.trajectories import read_kitti_poses, read_times
from .command_line import Parser, frames_of_sample, run, whole
from .jobs import Progress

LINE_EVERY = 100  # snippets


def main(description: str, arguments: Sequence[str] | None = None) -> None:
    """Run the program.

    Args:
        description: for --help.
        arguments: those of the command line unless they are given.
    """
    run(lambda: generate(parse(description, arguments)))


def parse(description: str, arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The options, under the original's names."""
    parser = Parser(description)
    add = parser.add_argument
    add("--dataset_dir", type=Path, required=True, help="folder of KITTI odometry")
    add("--output_dir", type=Path, required=True, help="folder for the snippets")
    add("--seq_id", type=whole(0, 99), default=9, help="sequence (09)")
    add("--seq_length", type=frames_of_sample, default=5, help="frames of a snippet, odd (5)")
    return parser.parse_args(arguments)


def generate(options: argparse.Namespace) -> None:
    """Write <output_dir>/<number of its first frame>.txt of every snippet of a sequence.

    Args:
        options: of `parse`.
    Raises:
        InputError: poses or times are missing, damaged or do not fit together, or there are fewer
            frames than a snippet needs.
    """
    tree, length = KittiOdometry(options.dataset_dir), options.seq_length
    path = tree.poses(options.seq_id)
    poses = read_kitti_poses(path)
    times = read_times(tree.sequence(options.seq_id) / "times.txt", len(poses))
    if len(poses) < length:
        raise InputError(f"{path} has {len(poses)} poses; --seq_length {length} needs as many")
    snippets = geonet_target_snippets(poses, length)
    progress = Progress(len(snippets), "snippets", LINE_EVERY, "Progress: %d/%d")
    for first, snippet in enumerate(snippets):
        target = options.output_dir / f"{first:06d}.txt"
        write_snippet(target, times[first : first + length], snippet)
        progress.add(1)
    progress.close()
    print(f"{len(snippets)} snippets of {length} frames in {options.output_dir}")
