"""DepthNet's row."""

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

_NYU = Argument("DATASET_PATH", "--data_url", checks.folder)
_EXPORTS = ("coarse", "fine", "both")
_TRAIN = ("train.py", "--data_url", "{data_path}", "--train_url", "{output_path}")

_COMMANDS = {
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
        stages=(
            _TRAIN,
            (
                *("eval.py", "--test_data", "{data_path}"),
                *("--coarse_ckpt_model", "{output_path}/Ckpt/FinalCoarseNet.ckpt"),
                *("--fine_ckpt_model", "{output_path}/Ckpt/FinalFineNet.ckpt"),
                *("--metrics_json", "{output_path}/eval_metrics.json"),
            ),
        ),
        report=final_metrics("eval_metrics.json"),
    ),
    "performance": Pipeline(stages=((*_TRAIN, *TIMED),), report=speed),
}

_SERVING = Serving(
    arguments=(
        Argument("MINDIR1", check=checks.file),
        Argument("MINDIR2", check=checks.file),
        Argument("DATA_PATH", check=checks.folder),
    ),
    preprocess=("--dataset_path", "{DATA_PATH}", "--output_path", "{here}/preprocess_Result"),
    program=(
        *("--mindir", "{MINDIR1}", "--fine_mindir", "{MINDIR2}"),
        *("--input", "{here}/preprocess_Result/img_data"),
    ),
    postprocess=(
        *("--result_path", "{here}/result_Files"),
        *("--label_file", "{here}/preprocess_Result/label", "--acc_log", "{here}/acc.log"),
    ),
)

_RENDERED = ("--train", "64", "--test", "16", "--per_scene", "1", "--seed", "0")
_QUICKSTART = Quickstart(
    folder="quickstart_depthnet",
    steps=(
        ("render", "-m", "tests.synthetic", "nyu", "{folder}/NYU", *_RENDERED),
        (
            *("train", "train.py", "--data_url", "{folder}/NYU", "--batch_size", "4"),
            *("--coarse_net_train_step", "80", "--fine_net_train_step", "70"),
            *("--learning_rate_max", "0.0001", "--learning_rate_min", "0.001"),
            *("--resume", "auto", "--resume_steps", "25", "--save_ckpt_steps", "100000"),
            *("--log_steps", "1"),
        ),
        (
            *("evaluate", "eval.py", "--test_data", "{folder}/NYU"),
            *("--save_panels", "3", "--panels_path", ".", "--report", "report.html"),
        ),
        ("export_coarse", "export.py", "--coarse_or_fine", "coarse"),
        ("export_fine", "export.py", "--coarse_or_fine", "fine"),
        (
            *("predict", "infer.py", "--input_path", "{folder}/NYU/Test/*_colors.png"),
            *("--output_path", "predicted", "--model_weights"),
            *("Model/MindIR/FinalCoarseNet.mindir", "Model/MindIR/FinalFineNet.mindir"),
        ),
        (
            *("compare", "-m", "scripts.quickstart.compare_depthnet"),
            *("{folder}/NYU", "eval_metrics.json"),
        ),
    ),
    images="worst_*.png, best_*.png, predicted/*_color.png",
)

MODEL = Model(_COMMANDS, _SERVING, {"": _QUICKSTART})
