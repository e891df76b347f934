"""GeoNet's row."""

import os

from ..launching import checks
from ..launching.final_result import final_result
from ..launching.table import (
    DEVICE_ID,
    DEVICE_IDS,
    DEVICE_NUM,
    NEWEST,
    RANKS,
    Argument,
    Model,
    Pipeline,
    Quickstart,
    Row,
    Serving,
)

_DATA = Argument("DATASET_DIR", "--dataset_dir", checks.folder)
_MODES = {task: ("--mode", f"test_{task}") for task in ("depth", "pose", "flow")}


def _weights(required):
    return Argument("CKPT", "--init_ckpt_file", checks.weights, required=required)


# The pipelines do what the Ascend port's test/train_full_1p.sh and train_performance_1p.sh do, with
# its flags and folders, in the form of its results.
_DEVICE = ("--device_id", "{device_id}")
_TRAIN = (
    *("train.py", "--mode", "train_rigid", "--learning_rate", "0.00001"),
    *("--seq_length", "{seq_length}"),
    *("--batch_size", "{batch_size}", "--dataset_dir", "{data_path}/stageone/train"),
    *("--max_steps", "{steps}", "--log_steps", "{log_steps}", *_DEVICE),
)
_SNIPPETS = "stageone/eval/09_snippets"
_TRAIN_LOG, _EVAL_LOG = "train_{device_id}.log", "eval_{device_id}.log"
_CKPT, _POSES = "{output_path}/ckpt/pose_depth", "{output_path}/pose_depth/{steps}"


def _log_steps(steps):
    """100 as the original has it; fewer in a short run, so that it has about 32 lines."""
    return min(100, max(1, steps // 32))


def _pipeline(kind, steps, needed, *, stages, logs, last, accuracy=None, folder="ckpt"):
    case = f"{{model}}_bs{{batch_size}}_1p_{kind}"
    return Pipeline(
        stages=stages,
        report=final_result(case, _TRAIN_LOG, last, accuracy),
        folder=folder,
        options={
            "data_path": (checks.tree(*needed), None),
            "output_path": (checks.new_folder, ""),
            "steps": (checks.count, steps),
            "batch_size": (checks.count, "4"),
            "seq_length": (checks.count, "3"),
            "device_id": (checks.number, lambda: os.environ.get("ASCEND_DEVICE_ID") or "0"),
        },
        aliases={"train_steps": "steps", "max_steps": "steps"},
        logs=logs,
        results=(f"{case}.log", f"{case}_loss.txt"),
        every=_log_steps,
    )


_COMMANDS = {
    "train": Row("train.py", (_DATA, DEVICE_ID)),
    "distribute": Row("train.py", (_DATA, RANKS)),
    "gpu": Row("train.py", (DEVICE_NUM, DEVICE_IDS, _DATA)),
    "eval": Row("eval.py", (_DATA, Argument("depth|pose|flow", words=_MODES), _weights(True))),
    "export": Row("export.py", (_weights(False),)),
    "full": _pipeline(
        "acc",
        "185100",
        ("stageone/train", "stageone/test", _SNIPPETS),
        stages=(
            (*_TRAIN, "--train_url", _CKPT),
            (
                *("eval.py", "--mode", "test_pose", "--dataset_dir", "{data_path}/stageone/test"),
                *("--init_ckpt_file", f"{NEWEST}{_CKPT}/model-*.ckpt", "--batch_size", "1"),
                *("--seq_length", "{seq_length}", "--pose_test_seq", "9"),
                *("--output_dir", _POSES, *_DEVICE),
            ),
            (
                *("eval.py", "--mode", "eval_pose", "--pred_dir", _POSES),
                *("--gtruth_dir", f"{{data_path}}/{_SNIPPETS}"),
            ),
        ),
        logs={"train": _TRAIN_LOG, "test_pose": "test_{device_id}.log", "eval_pose": _EVAL_LOG},
        last=50,
        accuracy=(_EVAL_LOG, r"ATE mean: (\S+), std: (\S+)"),
        folder="ckpt/pose_depth",
    ),
    "performance": _pipeline(
        "perf",
        "3200",
        ("stageone/train",),
        stages=((*_TRAIN, "--train_url", "{output_path}/ckpt"),),
        logs={"train": _TRAIN_LOG},
        last=30,
    ),
}

_SERVING = Serving(
    arguments=(
        Argument("MINDIR", check=checks.file),
        Argument("DATA_PATH", check=checks.folder),
    ),
    preprocess=(
        *("--dataset_dir", "{DATA_PATH}", "--mindir", "{MINDIR}"),
        *("--bin_path", "{here}/preprocess_Result"),
    ),
    program=("--mindir", "{MINDIR}", "--input", "{here}/preprocess_Result"),
    postprocess=(
        *("--dataset_dir", "{DATA_PATH}", "--mindir", "{MINDIR}"),
        *("--result_path", "{here}/result_Files", "--result_file", "{here}/result_val.json"),
    ),
    results=("acc.log", "result_val.json", "result_val.csv"),
)

_DRIVES, _SEQUENCE, _STRIPS = "{folder}/drives", "{folder}/sequence", "{folder}/strips"
_SCENES, _FLOW_STRIPS = "{folder}/scenes", "{folder}/flow_strips"
_STOPS, _STOP_STRIPS = "{folder}/stops", "{folder}/stop_strips"
_HELD_OUT = "2011_09_26/2011_09_26_drive_0021_sync/image_02/data"
_RIGID, _FULL = ("--init_ckpt_file", "rigid"), ("--init_ckpt_file", "flow")
_SIZE = ("--img_height", "48", "--img_width", "96")
# 1.4 m a frame: at this size, hardly anything moves by a pixel in what a slower car sees.
_SPEED = ("--speed", "200")
_TRAINING = (
    *(*_SIZE, "--dispnet_encoder", "vgg", "--scale_normalize", "--log_steps", "1"),
    *("--bn_decay", "0.95", "--lr_decay"),
    *("--random_scale_crop", "False", "--random_color", "False", "--panel_count", "1"),
    *("--resume", "auto", "--resume_steps", "100", "--num_parallel_workers", "2"),
)
_RIGID_STEPS = (
    (
        *("render", "-m", "tests.synthetic", "kitti_drives", _DRIVES, "--images", "jpg"),
        *("--drives", "20", "--test", "2", "--frames", "60", "--height", "96", *_SPEED),
        *("--laser", "900"),
    ),
    (
        *("render_sequence", "-m", "tests.synthetic", "kitti_odom", _SEQUENCE),
        *("--sequences", "1", "--test", "1", "--frames", "60", "--height", "96", *_SPEED),
    ),
    (
        *("prepare", "prepare/prepare_train_data.py", "--dataset_dir", _DRIVES),
        *("--dataset_name", "kitti_raw_eigen", "--dump_root", _STRIPS, "--seq_length", "3"),
        *(*_SIZE, "--num_threads", "2", "--remove_static"),
        *("--test_scenes", f"{_DRIVES}/lists/test_scenes_eigen.txt"),
    ),
    (
        *("train", "train.py", "--mode", "train_rigid", "--dataset_dir", _STRIPS, *_TRAINING),
        *("--batch_size", "8", "--learning_rate", "0.004"),
        # Beside disparities whose mean is 1, the usual 0.5 would keep the first ones flat.
        *("--disp_smooth_weight", "0.1"),
        *("--max_steps", "421", "--save_ckpt_freq", "420", "--train_url", "rigid"),
    ),
    (
        *("test_depth", "eval.py", "--mode", "test_depth", "--dataset_dir", _DRIVES, *_RIGID),
        *("--split_dir", f"{_DRIVES}/splits", "--output_dir", "depth"),
        *("--save_panels", "3", "--panels_path", ".", "--report", "report.html"),
    ),
    (
        *("test_pose", "eval.py", "--mode", "test_pose", "--dataset_dir", _SEQUENCE, *_RIGID),
        *("--output_dir", "pose", "--report", "motion.html"),
    ),
    ("export", "export.py", *_RIGID),
    (
        *("predict", "infer.py", "--task", "depth", *_RIGID, "--output_path", "predicted"),
        *("--image_path", f"{_DRIVES}/{_HELD_OUT}"),
    ),
    (
        *("predict_pose", "infer.py", "--task", "pose", *_RIGID, "--output_path", "predicted"),
        *("--image_path", f"{_DRIVES}/{_HELD_OUT}"),
    ),
)
_QUICKSTART = Quickstart(
    folder="quickstart_geonet",
    steps=(
        *_RIGID_STEPS,
        (
            *("compare", "-m", "scripts.quickstart.compare_geonet", _DRIVES),
            *("depth/test_depth_metrics.json", _SEQUENCE, "pose"),
        ),
    ),
    images="worst*.png, best*.png, pose/odom_09.png, predicted/*_color.png, rigid/panels/*.png",
)
_QUICKSTART_FLOW = Quickstart(
    folder="quickstart_geonet",
    steps=(
        *_RIGID_STEPS,
        # Each drive soon waits at a side street, where cars cross and nothing else moves.
        (
            *("render_stops", "-m", "tests.synthetic", "kitti_drives", _STOPS, "--images", "jpg"),
            *("--drives", "40", "--test", "0", "--frames", "24", "--height", "96", *_SPEED),
            *("--laser", "0", "--seed", "1"),
        ),
        (
            *("prepare_stops", "prepare/prepare_train_data.py", "--dataset_dir", _STOPS, *_SIZE),
            *("--dataset_name", "kitti_raw_eigen", "--dump_root", _STOP_STRIPS),
            *("--seq_length", "3", "--num_threads", "2"),
        ),
        (
            *("render_scenes", "-m", "tests.synthetic", "scene_flow", _SCENES),
            *("--scenes", "12", "--height", "96", *_SPEED),
        ),
        (
            *("prepare_flow", "prepare/generate_multiview_extension.py", "--cam_id", "02"),
            *("--dataset_dir", f"{_SCENES}/data_scene_flow_multiview", "--seq_length", "3"),
            *("--calib_dir", f"{_SCENES}/data_scene_flow_calib", "--dump_root", _FLOW_STRIPS),
            *_SIZE,
        ),
        (
            *("train_flow", "train.py", "--mode", "train_flow", "--dataset_dir", _STOP_STRIPS),
            *(*_TRAINING, *_RIGID, "--batch_size", "4", "--learning_rate", "0.001"),
            # With the usual 0.2 the quickest way to a low loss is to add no flow at all.
            *("--flow_smooth_weight", "0.01", "--flow_consistency_weight", "0.02"),
            *("--max_steps", "701", "--save_ckpt_freq", "700", "--train_url", "flow"),
        ),
        (
            *("test_flow", "eval.py", "--mode", "test_flow", "--dataset_dir", _FLOW_STRIPS),
            *(*_FULL, "--gt_flow_dir", f"{_SCENES}/data_scene_flow", "--output_dir", "flow_test"),
            *("--save_panels", "3", "--panels_path", "flow_panels", "--report", "flow.html"),
        ),
        (
            *("predict_flow", "infer.py", "--task", "flow", *_FULL, "--output_path", "predicted"),
            *("--image_path", f"{_DRIVES}/{_HELD_OUT}", "--field_of_view", "80"),
        ),
        (
            *("compare_flow", "-m", "scripts.quickstart.compare_geonet_flow", _FLOW_STRIPS),
            *(f"{_SCENES}/data_scene_flow", "flow", "flow_test"),
        ),
    ),
    images="flow_panels/*.png, flow_test/*/color/*.png, predicted/*flow*.png, flow/panels/*.png",
)

MODEL = Model(_COMMANDS, _SERVING, {"": _QUICKSTART, "flow": _QUICKSTART_FLOW})
