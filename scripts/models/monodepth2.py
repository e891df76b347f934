"""Monodepth2's row."""

from ..launching import checks
from ..launching.results import final_metrics, speed
from ..launching.table import (
    DEVICE_ID,
    DEVICE_IDS,
    DEVICE_NUM,
    RANKS,
    TIMED,
    Argument,
    Model,
    Pipeline,
    Quickstart,
    Row,
    Serving,
)

_KITTI = Argument("DATASET_PATH", "--data_path", checks.folder)
_WEIGHTS = Argument("WEIGHTS_FOLDER", "--load_weights_folder", checks.folder)
_SCALED = {"mono": ("--eval_mono",), "stereo": ("--eval_stereo",)}
_NAME = "mdp"  # of a pipeline's training; its folder below output_path
_TRAIN = (
    *("train.py", "--data_path", "{data_path}"),
    *("--train_url", "{output_path}", "--model_name", _NAME),
)
_GROUND_TRUTH = "export_gt_depth.py"

_COMMANDS = {
    "train": Row("train.py", (_KITTI, DEVICE_ID)),
    "distribute": Row("train.py", (_KITTI, RANKS)),
    "gpu": Row("train.py", (DEVICE_NUM, DEVICE_IDS, _KITTI)),
    "eval": Row("eval.py", (_KITTI, _WEIGHTS, Argument("mono|stereo", words=_SCALED))),
    "export": Row(
        "export.py",
        (Argument("WEIGHTS_FOLDER", "--load_weights_folder", checks.folder, required=False),),
    ),
    "full": Pipeline(
        stages=(
            _TRAIN,
            (_GROUND_TRUTH, "--data_path", "{data_path}", "--split", "eigen"),
            (
                *("eval.py", "--data_path", "{data_path}", "--eval_mono"),
                *("--load_weights_folder", f"{{output_path}}/{_NAME}/models/weights_best"),
                *("--metrics_json", f"{{output_path}}/{_NAME}/eval_metrics.json"),
            ),
        ),
        report=final_metrics("eval_metrics.json"),
        folder=_NAME,
        tools=(_GROUND_TRUTH,),
    ),
    "performance": Pipeline(stages=((*_TRAIN, *TIMED),), report=speed, folder=_NAME),
}

_SERVING = Serving(
    arguments=(
        Argument("MINDIR", check=checks.file),
        Argument("DATA_PATH", check=checks.folder),
    ),
    preprocess=(
        *("--data_path", "{DATA_PATH}", "--mindir", "{MINDIR}"),
        *("--bin_path", "{here}/preprocess_Result"),
    ),
    program=("--mindir", "{MINDIR}", "--input", "{here}/preprocess_Result"),
    postprocess=(
        *("--data_path", "{DATA_PATH}", "--mindir", "{MINDIR}"),
        *("--result_path", "{here}/result_Files", "--result_file", "{here}/result_val.json"),
    ),
    results=("acc.log", "result_val.json", "result_val.csv"),
)

_DRIVES, _LISTS = "{folder}/drives", "{folder}/drives/splits"
_BEST = ("--load_weights_folder", "logs/mdp/models/weights_best")
_HELD_OUT = "2011_09_26/2011_09_26_drive_0011_sync"
_QUICKSTART = Quickstart(
    folder="quickstart_monodepth2",
    steps=(
        (
            *("render", "-m", "tests.synthetic", "kitti_drives", _DRIVES, "--images", "jpg"),
            *("--drives", "10", "--test", "2", "--frames", "40", "--height", "96"),
        ),
        (
            *("render_sequence", "-m", "tests.synthetic", "kitti_odom", "{folder}/sequence"),
            *("--sequences", "1", "--test", "1", "--frames", "30", "--height", "96"),
        ),
        (
            *("train", "train.py", "--data_path", _DRIVES, "--split_dir", _LISTS),
            *("--split", "synthetic", "--use_stereo", "--height", "64", "--width", "96"),
            *("--batch_size", "4", "--learning_rate", "0.0002", "--weights_init", "scratch"),
            # A range whose middle is a usual depth: from random weights, with the default one, the
            # disparity may saturate in the first steps.
            *("--min_depth", "0.7", "--max_depth", "20"),
            *("--num_epochs", "4", "--scheduler_step_size", "3", "--log_steps", "1"),
            *("--resume", "auto", "--resume_steps", "100", "--num_parallel_workers", "2"),
            *("--monitor_steps", "100"),
        ),
        (
            *("ground_truth", "export_gt_depth.py", "--data_path", _DRIVES),
            *("--split_dir", _LISTS, "--split", "eigen"),
        ),
        (
            *("evaluate", "eval.py", "--data_path", _DRIVES, "--split_dir", _LISTS, *_BEST),
            *(
                "--eval_stereo",
                "--post_process",
                "--metrics_json",
                "metrics.json",
                "--csv_file",
                "errors.csv",
            ),
            *("--save_panels", "3", "--panels_path", ".", "--report", "report.html"),
        ),
        (
            *("trajectory", "eval.py", "--data_path", "{folder}/sequence", *_BEST),
            *("--eval_split", "odom_9", "--eval_out_dir", ".", "--report", "motion.html"),
        ),
        ("export", "export.py", *_BEST),
        (
            *("predict", "infer.py", *_BEST, "--output_path", "predicted"),
            *("--image_path", f"{_DRIVES}/{_HELD_OUT}/image_02/data"),
        ),
        (
            *("compare", "-m", "scripts.quickstart.compare_monodepth2"),
            *(_DRIVES, "metrics.json"),
        ),
    ),
    images="worst*.png, best*.png, odom_9.png, predicted/*_color.png, logs/mdp/panels/*.png",
)

MODEL = Model(_COMMANDS, _SERVING, {"": _QUICKSTART})
