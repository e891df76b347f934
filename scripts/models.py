"""What the launchers know of each model: one row for each command.

A new model needs its own entry in MODELS and nothing else. An argument's `flag` is the entry
point's option that receives it; arguments without one (DEVICE_NUM, RANK_TABLE_FILE ...) steer the
launcher. `{data_path}` and `{output_path}` in a pipeline are the named options of
train_full_1p.sh and train_performance_1p.sh; `newest:PATTERN` is the newest file of that pattern
when the process starts.
"""

from dataclasses import dataclass
from typing import Callable

import checks


@dataclass(frozen=True)
class Argument:
    """One positional argument: its name in the usage, the entry point's flag, and its check."""

    name: str
    flag: str
    check: Callable[[str, str], str]
    required: bool = True

    def __str__(self):
        return self.name if self.required else f"[{self.name}]"


@dataclass(frozen=True)
class Row:
    """One command of one model: an entry point, its positional arguments, and fixed flags."""

    entry: str
    arguments: tuple
    flags: tuple = ()


@dataclass(frozen=True)
class Pipeline:
    """Entry points one after the other, each (file, *flags), and the JSON with the metrics."""

    steps: tuple
    metrics: str = ""


NEWEST = "newest:"
RANKS = Argument("RANK_TABLE_FILE|DEVICE_NUM", "", checks.ranks)
DEVICE_NUM = Argument("DEVICE_NUM", "", checks.count)
DEVICE_IDS = Argument("DEVICE_IDS", "", checks.device_list)
DEVICE_ID = Argument("DEVICE_ID", "--device_id", checks.number)
DEVICE_TARGET = Argument("DEVICE_TARGET", "--device_target", checks.target, required=False)

# Every step's rate goes to metrics.csv, from the first step on; the launcher ends the run.
_TIMED = ("--log_steps", "1", "--resume", "none")

_NYU = Argument("DATASET_PATH", "--data_url", checks.folder)
_EXPORTS = ("coarse", "fine", "both")
_DEPTHNET = {
    "train": Row("train.py", (_NYU, DEVICE_ID)),
    "distribute": Row("train.py", (_NYU, RANKS)),
    "gpu": Row("train.py", (DEVICE_NUM, DEVICE_IDS, _NYU)),
    "eval": Row(
        "eval.py",
        (
            Argument("DATASET_PATH", "--test_data", checks.folder),
            Argument("COARSE_CKPT", "--coarse_ckpt_model", checks.file, required=False),
            Argument("FINE_CKPT", "--fine_ckpt_model", checks.file, required=False),
        ),
    ),
    "export": Row(
        "export.py",
        (Argument("|".join(_EXPORTS), "--coarse_or_fine", checks.choice(*_EXPORTS)),),
    ),
    "full": Pipeline(
        steps=(
            ("train.py", "--data_url", "{data_path}", "--train_url", "{output_path}"),
            (
                *("eval.py", "--test_data", "{data_path}"),
                *("--coarse_ckpt_model", "{output_path}/Ckpt/FinalCoarseNet.ckpt"),
                *("--fine_ckpt_model", "{output_path}/Ckpt/FinalFineNet.ckpt"),
                *("--metrics_json", "{output_path}/eval_metrics.json"),
            ),
        ),
        metrics="{output_path}/eval_metrics.json",
    ),
    "performance": Pipeline(
        steps=(("train.py", "--data_url", "{data_path}", "--train_url", "{output_path}", *_TIMED),),
    ),
}

_CKPT = Argument("CKPT_PATH", "--model_weights", checks.file)
_MIDAS_DATA = ("Kitti", "Sintel", "TUM", "DIW", "ETH3D", "NYU", "all")
_MIDAS = {
    "train": Row("train.py", (DEVICE_ID, _CKPT), ("--is_modelarts", "False")),
    "distribute": Row("train.py", (RANKS, _CKPT), ("--is_modelarts", "False")),
    "gpu": Row("train.py", (DEVICE_NUM, DEVICE_IDS, _CKPT), ("--is_modelarts", "False")),
    "eval": Row(
        "eval.py",
        (
            DEVICE_ID,
            Argument("DATA_NAME", "--data_name", checks.choice(*_MIDAS_DATA)),
            Argument("CKPT_PATH", "--ckpt_path", checks.file),
            DEVICE_TARGET,
        ),
    ),
    "export": Row("export.py", ()),
    "full": Pipeline(
        steps=(
            ("train.py", "--train_data_dir", "{data_path}", "--train_url", "{output_path}"),
            (
                *("eval.py", "--train_data_dir", "{data_path}", "--data_name", "all"),
                *("--ckpt_path", NEWEST + "{output_path}/ckpt/Midas_*.ckpt"),
                *("--ann_file", "{output_path}/val.json"),
                *("--csv_file", "{output_path}/val_per_image.csv"),
            ),
        ),
        metrics="{output_path}/val.json",
    ),
    "performance": Pipeline(
        steps=(
            (
                *("train.py", "--train_data_dir", "{data_path}", "--train_url", "{output_path}"),
                *_TIMED,
            ),
        ),
    ),
}

MODELS = {"depthnet": _DEPTHNET, "midas": _MIDAS}
