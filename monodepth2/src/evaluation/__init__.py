"""Evaluation: test sets of depth, KITTI's odometry, own footage; where its files go."""

from pathlib import Path
from typing import NamedTuple


class Places(NamedTuple):
    """Where the files of an evaluation go.

    Attributes:
        folder: eval_out_dir, else the folder of the weights, as in the original.
        metrics_json, csv_file: the numbers.
    """

    folder: Path
    metrics_json: Path
    csv_file: Path


def places_of(split, weights, eval_out_dir, metrics_json, csv_file):
    """Places for the options; what is empty goes to the folder under a name of its own."""
    folder = Path(eval_out_dir or weights)
    return Places(
        folder,
        Path(metrics_json or folder / f"metrics_{split}.json"),
        Path(csv_file or folder / f"errors_{split}.csv"),
    )
