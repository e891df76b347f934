"""Evaluation: test sets of depth, KITTI's odometry, own footage; where its files go."""

import os
from pathlib import Path
from typing import NamedTuple

from ..model_utils.errors import InputError


class Places(NamedTuple):
    """Where the files of an evaluation go.

    Attributes:
        folder: eval_out_dir, else the folder of the weights, as in the original.
        metrics_json, csv_file: the numbers.
    """

    folder: Path
    metrics_json: Path
    csv_file: Path

    def check(self, uses_folder):
        """Before anything is computed: the files can be written.

        Args:
            uses_folder: whether more than the numbers will be written.
        Raises:
            InputError: one cannot be; the line names the option that moves it.
        """
        wanted = {"eval_out_dir": self.folder} if uses_folder else {}
        wanted |= {"metrics_json": self.metrics_json.parent, "csv_file": self.csv_file.parent}
        for option, folder in wanted.items():
            place = next(place for place in (folder, *folder.parents) if os.path.lexists(place))
            if not (place.is_dir() and os.access(place, os.W_OK)):
                raise InputError(f"{place} cannot be written to; name a folder by --{option}")


def places_of(split, weights, eval_out_dir, metrics_json, csv_file):
    """Places for the options; what is empty goes to the folder under a name of its own."""
    folder = Path(eval_out_dir or weights).expanduser()
    return Places(
        folder,
        Path(metrics_json or folder / f"metrics_{split}.json").expanduser(),
        Path(csv_file or folder / f"errors_{split}.csv").expanduser(),
    )
