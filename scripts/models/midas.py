"""MiDaS's row."""

from ..launching import checks
from ..launching.results import final_metrics, speed
from ..launching.table import (
    DEVICE_ID,
    DEVICE_IDS,
    DEVICE_NUM,
    DEVICE_TARGET,
    NEWEST,
    RANKS,
    TIMED,
    Argument,
    Model,
    Pipeline,
    Quickstart,
    Row,
    Serving,
)

_CKPT = Argument("CKPT_PATH", "--model_weights", checks.file)
_LOCAL = ("--is_modelarts", "False")
_TRAIN = ("train.py", "--train_data_dir", "{data_path}", "--train_url", "{output_path}")
_DATASETS = checks.choice("Kitti", "Sintel", "TUM", "DIW", "ETH3D", "NYU", "all")

_COMMANDS = {
    "train": Row("train.py", (DEVICE_ID, _CKPT), _LOCAL),
    "distribute": Row("train.py", (RANKS, _CKPT), _LOCAL),
    "gpu": Row("train.py", (DEVICE_NUM, DEVICE_IDS, _CKPT), _LOCAL),
    "eval": Row(
        "eval.py",
        (
            DEVICE_ID,
            Argument("DATA_NAME", "--data_name", _DATASETS),
            Argument("CKPT_PATH", "--ckpt_path", checks.file, required=False),
            DEVICE_TARGET,
        ),
    ),
    "export": Row("export.py"),
    "full": Pipeline(
        stages=(
            _TRAIN,
            (
                *("eval.py", "--train_data_dir", "{data_path}", "--data_name", "all"),
                *("--ckpt_path", NEWEST + "{output_path}/ckpt/Midas_*.ckpt"),
                *("--ann_file", "{output_path}/val.json"),
                *("--csv_file", "{output_path}/val_per_image.csv"),
            ),
        ),
        report=final_metrics("val.json"),
    ),
    "performance": Pipeline(stages=((*_TRAIN, *TIMED),), report=speed),
}

_SCORED = (
    *("--dataset_path", "{DATA_PATH}", "--dataset_name", "{DATASET_NAME}"),
    *("--img_height", "{height}", "--img_width", "{width}"),
)
_SERVING = Serving(
    arguments=(
        Argument("MODEL_PATH", check=checks.file),
        Argument("DATA_PATH", check=checks.folder),
        Argument("DATASET_NAME", check=checks.choice("Kitti", "Sintel", "TUM")),
    ),
    preprocess=(*_SCORED, "--bin_path", "{here}/preprocess_Result"),
    program=("--mindir", "{MODEL_PATH}", "--input", "{here}/preprocess_Result"),
    postprocess=(
        *_SCORED,
        *("--result_path", "{here}/result_Files", "--result_file", "{here}/result_val.json"),
    ),
    results=("acc.log", "result_val.json"),
    sidecar="MODEL_PATH",
)

_SMALL = (
    *("--train_data_dir", "{folder}/rendered", "--img_width", "128", "--img_height", "96"),
    *("--features", "32", "--layers", "1", "1", "1", "1", "--groups", "1"),
    *("--width_per_group", "16", "--batch_size", "8", "--save_ckpt_steps", "100000"),
    *("--resume", "auto", "--resume_steps", "40", "--log_steps", "1"),
    # Nothing is pretrained here: one rate for all, a hundred times the encoder's usual one.
    *("--backbone_params_lr", "0.001", "--no_backbone_params_lr", "0.001"),
)
_DECAY = (
    *("--lr_decay", "--power", "1.0"),
    *("--backbone_params_end_lr", "0.00001", "--no_backbone_params_end_lr", "0.00001"),
)
# Training leaves its configuration beside the weights: the other programs need no flag twice.
_TRAINED = ("--config_path", "ckpt/config.yaml")
_WEIGHTS = "ckpt/Midas_0-8_32.ckpt"


def _predict(name, images):
    return (
        *(f"predict_{name}", "infer.py", *_TRAINED),
        *("--input_path", f"{{folder}}/rendered/data/{images}/*.png"),
        *("--model_weights", "MindIR/midas.mindir", "--output_path", "predicted"),
    )


_QUICKSTART = Quickstart(
    folder="quickstart",
    steps=(
        (
            *("render", "-m", "tests.synthetic", "midas", "{folder}/rendered"),
            *("--train", "256", "--test", "12", "--seed", "0"),
        ),
        # The default loss fits a scale of any sign, so that from random weights far may come out
        # bright; two epochs with the paper's settle the sign.
        (
            *("train_first", "train.py", *_SMALL, "--loss", "ssimae_trimmed"),
            *("--epoch_size", "2", "--train_url", "first"),
        ),
        (
            *("train", "train.py", *_SMALL, *_DECAY, "--epoch_size", "8"),
            *("--model_weights", "first/ckpt/Midas_0-2_32.ckpt"),
        ),
        (
            *("evaluate", "eval.py", *_TRAINED, "--ckpt_path", _WEIGHTS),
            *("--save_panels", "3", "--panels_path", ".", "--report", "report.html"),
        ),
        ("export", "export.py", *_TRAINED, "--model_weights", _WEIGHTS),
        _predict("rooms", "TUM/*/rgb"),
        _predict("streets", "Kitti_raw_data/*0001_sync/image"),
        ("compare", "-m", "scripts.quickstart.compare_midas", "val.json", *_TRAINED),
    ),
    images="*_worst*.png, *_best*.png, predicted/*_color.png",
)

MODEL = Model(_COMMANDS, _SERVING, {"": _QUICKSTART})
