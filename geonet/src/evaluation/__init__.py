"""Evaluation: depth, pose and flow of KITTI's test sets; where the files of a run go."""

import csv
import io
import json
import os
from pathlib import Path
from typing import NamedTuple

from ..model_utils.errors import InputError
from ..model_utils.files import write_bytes

# What each mode cannot do without.
_RAW = "the folder of KITTI raw, or of the stereo data of 2015 with depth_test_split stereo"
_STEREO = "the folder of the stereo data of 2015"
_NEEDED = {
    "test_depth": {"dataset_dir": _RAW},
    "test_pose": {"dataset_dir": "the folder of KITTI odometry"},
    "test_flow": {"dataset_dir": "the folder with test_flow.txt"},
    "eval_depth": {"kitti_dir": _RAW, "pred_file": "the .npy of test_depth"},
    "eval_pose": {"gtruth_dir": "a folder of snippets", "pred_dir": "the one of test_pose"},
    "eval_flow": {"dataset_dir": _STEREO, "pred_dir": "the folder with png/, of test_flow"},
}


def check_options(mode, given, report=""):
    """Check the mode, and that what it needs is given.

    Args:
        mode: what to do.
        given: {option: value} of those that some mode needs.
        report: as the user gave it.
    Raises:
        InputError: a mode of train.py, an option is missing, or the mode makes no report.
    """
    if mode not in _NEEDED:
        raise InputError(f"mode {mode} is one of train.py; eval.py has {', '.join(_NEEDED)}")
    for option, meaning in _NEEDED[mode].items():
        if not given[option]:
            raise InputError(f"mode {mode} needs --{option}, {meaning}")
    if report and mode == "eval_pose":
        raise InputError("report: mode eval_pose makes none; use --mode test_pose")


class Places(NamedTuple):
    """Where the files of a run go.

    Attributes:
        folder: for predictions, plots, text files.
        metrics_json, csv_file: the numbers.
    """

    folder: Path
    metrics_json: Path
    csv_file: Path

    def check(self, *folders):
        """Before anything is computed: the files can be written.

        Args:
            folders: which get more files than the numbers.
        Raises:
            InputError: a folder cannot be written to; the line names the option that moves it.
        """
        wanted = [("output_dir", folder) for folder in folders]
        wanted += [("metrics_json", self.metrics_json.parent), ("csv_file", self.csv_file.parent)]
        for option, folder in wanted:
            place = next(place for place in (folder, *folder.parents) if os.path.lexists(place))
            if not (place.is_dir() and os.access(place, os.W_OK)):
                raise InputError(f"{place} cannot be written to; name a folder by --{option}")

    def write(self, rows, means):
        """Write the numbers.

        Args:
            rows: a dict for each line of the CSV file, all with the same keys.
            means: dict for the JSON file.
        """
        text = io.StringIO()
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_bytes(self.csv_file, text.getvalue().encode())
        write_bytes(self.metrics_json, (json.dumps(means, indent=1) + "\n").encode())
        print(f"wrote {self.metrics_json} and {self.csv_file}", flush=True)


def places_of(mode, output_dir, metrics_json, csv_file, beside):
    """Places of a run.

    Args:
        mode: names the numbers' files.
        output_dir: folder for everything; "": `beside`.
        metrics_json, csv_file: paths; "": in the folder.
        beside: folder.
    """
    folder = Path(output_dir or beside)
    return Places(
        folder,
        Path(metrics_json or folder / f"{mode}_metrics.json"),
        Path(csv_file or folder / f"{mode}_errors.csv"),
    )
