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

_RENDERED = ("--drives", "2", "--test", "1", "--frames", "20", "--height", "64", "--images", "jpg")
_SMALL = (
    *("--data_path", "{folder}/rendered", "--split_dir", "{folder}/rendered/splits"),
    *("--height", "64", "--width", "192"),
)
_BEST = "logs/mdp/models/weights_best"
_QUICKSTART = Quickstart(
    folder="quickstart_monodepth2",
    steps=(
        ("render", "-m", "tests.synthetic", "kitti_drives", "{folder}/rendered", *_RENDERED),
        (
            *("train", "train.py", *_SMALL, "--split", "synthetic", "--use_stereo"),
            *("--batch_size", "4", "--num_epochs", "1", "--log_steps", "1"),
            *("--resume", "auto", "--resume_steps", "40"),
        ),
        ("export", "export.py", "--load_weights_folder", _BEST),
        (
            *("predict", "infer.py", "--load_weights_folder", _BEST),
            *("--image_path", "{folder}/rendered/2011_09_29/*/image_02/data/*.jpg"),
            *("--output_path", "predicted"),
        ),
    ),
    images="panels/*.png, predicted/*_color.png",
)

MODEL = Model(_COMMANDS, _SERVING, {"": _QUICKSTART})
