"""The command lines of the original and of its Paddle port, as they stand in their READMEs.

Names in capitals stand for paths. `{a|b}` is a choice and `[...]` may be left out: `expanded` gives
every line that a line of this kind stands for.
"""

import re

MONO_STEREO = "--frame_ids 0 -1 1 --use_stereo --data_path KITTI"
TRAIN = {
    "mono+stereo_model_640x192": f"python train.py --model_name mono+stereo_model_640x192 "
    f"{MONO_STEREO} --weights_init RESNET18 --log_dir logs --num_workers 4",
    "mono+stereo_model_1024x320": f"python train.py --model_name mono+stereo_model_1024x320 "
    f"{MONO_STEREO} --height 320 --width 1024 --load_weights_folder BEST --log_dir logs "
    "--num_workers 4 --batch_size 4 --num_epochs 1 --learning_rate 5e-5",
    "mono_model": "python train.py --model_name mono_model",
    "stereo_model": "python train.py --model_name stereo_model --frame_ids 0 --use_stereo "
    "--split eigen_full",
    "finetuned_mono": "python train.py --model_name finetuned_mono "
    "--load_weights_folder logs/mono_model/models/weights_19",
    "mdp": "python train.py --split odom --dataset kitti_odom --data_path KITTI_ODOM",
}
EXPORT_GT = "python export_gt_depth.py --data_path KITTI --split {eigen|eigen_benchmark}"
EVALUATE = (
    "python evaluate_depth.py --load_weights_folder FOLDER {--eval_stereo|--eval_mono} "
    "--data_path KITTI [--eval_split {eigen_benchmark|benchmark}] [--post_process] "
    "[--save_pred_disps]"
)
EVALUATE_FILE = (
    "python evaluate_depth.py --load_weights_folder FOLDER {--eval_stereo|--eval_mono} "
    "--data_path KITTI --ext_disp_to_eval FILE.npy"
)
ODOMETRY = (
    "python eval.py --eval_split {odom_9|odom_10} --load_weights_folder FOLDER "
    "--data_path KITTI_ODOM"
)
DEMO = (
    "python demo.py --image_path {IMAGE|IMAGES} {--load_weights_folder FOLDER|--model_name NAME} "
    "[--pred_metric_depth] [--ext jpg]"
)
# The options of an evaluation one by one, as the READMEs show them.
EVALUATIONS = {
    "stereo": "--eval_stereo",
    "mono": "--eval_mono",
    "eigen_benchmark": "--eval_stereo --eval_split eigen_benchmark",
    "benchmark": "--eval_stereo --eval_split benchmark",
    "post_process": "--eval_stereo --post_process",
    "saved": "--eval_mono --save_pred_disps",
    "file": "--eval_mono --ext_disp_to_eval FILE.npy",
}
# Every other option of the original and of the port, at the value that their sources give as its
# default, or at one that their READMEs show.
OPTIONS = {
    "train.py": "--split eigen_zhou --num_layers 18 --dataset kitti --png --height 192 "
    "--width 640 "
    "--disparity_smoothness 1e-3 --scales 0 1 2 3 --min_depth 0.1 --max_depth 100.0 "
    "--batch_size 12 "
    "--learning_rate 1e-4 --num_epochs 20 --scheduler_step_size 15 --v1_multiscale "
    "--avg_reprojection --disable_automasking --predictive_mask --no_ssim --weights_init scratch "
    "--pose_model_input pairs --pose_model_type separate_resnet "
    "--models_to_load encoder depth pose_encoder pose --log_frequency 250 --save_frequency 1 "
    "--freeze_bn --num_gpus 1 --no_cuda --seed 210 --visualdl_frequency 2000",
    "eval.py": "--disable_median_scaling --pred_depth_scale_factor 1 --eval_eigen_to_benchmark "
    "--eval_out_dir OUT --no_eval --no_cuda --num_workers 12",
    "infer.py": "--ext jpg --pred_metric_depth --no_cuda",
}
PATTERNS = [*TRAIN.values(), EXPORT_GT, EVALUATE, EVALUATE_FILE, ODOMETRY, DEMO]

_PART = re.compile(r"\[((?:[^\[\]{}]|\{[^{}]*\})*)\]|\{([^{}]*)\}")


def expanded(pattern):
    """Every line that a pattern stands for."""
    match = _PART.search(pattern)
    if match is None:
        return [" ".join(pattern.split())]
    choices = ["", match[1]] if match[1] is not None else match[2].split("|")
    start, end = pattern[: match.start()], pattern[match.end() :]
    return [line for choice in choices for line in expanded(f"{start}{choice}{end}")]
