"""Write the ground truth that the evaluation on Eigen's test set compares with.

    python export_gt_depth.py --data_path KITTI --split eigen
    python export_gt_depth.py --data_path KITTI --split eigen_benchmark

Makes <split_dir>/<split>/gt_depths.npz: of eigen's 697 frames from their laser scans, of
eigen_benchmark's 652 from the depth maps of KITTI's depth benchmark, whose folders proj_depth lie
in the drives of KITTI raw. The frames are those of <split_dir>/<split>/test_files.txt, in its
order; without that list, the same frames sorted.
"""

import argparse
import sys
from pathlib import Path

from src.datasets.gt_depths import NAME, ground_truth, write_gt_depths
from src.model_utils.errors import InputError
from src.sfm_utils.eigen import SPLITS, eigen_frames


def parse(arguments):
    """The options of the command line."""
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--data_path", required=True, help="folder of KITTI raw")
    parser.add_argument("--split", required=True, choices=SPLITS, help="test set")
    parser.add_argument("--split_dir", default="splits", help="folder of the lists (splits)")
    return parser.parse_args(arguments)


def main(arguments=None):
    """Export the depth maps of a test set.

    Args:
        arguments: those of the command line unless they are given.
    """
    options = parse(arguments)
    try:
        frames = eigen_frames(options.split_dir, options.split)
        print(f"Exporting ground truth depths for {options.split}", flush=True)
        maps = list(ground_truth(options.data_path, frames, options.split))
        print(f"Saving to {options.split}", flush=True)
        target = Path(options.split_dir, options.split, NAME)
        write_gt_depths(target, maps)
    except (InputError, OSError) as err:
        print(f"error: {err}", file=sys.stderr)
        sys.exit(2)
    print(f"{len(maps)} depth maps in {target}")


if __name__ == "__main__":
    main()
