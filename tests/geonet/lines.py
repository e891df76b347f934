"""The command lines of the original and of its Ascend port, as they stand in their READMEs.

Names in capitals stand for paths. `{a|b}` is a choice and `[...]` may be left out, as in
tests/monodepth2/lines.py, which expands them.
"""

PORT = {
    "train": "python geonet_main.py --mode=train_rigid --dataset_dir=T --checkpoint_dir=C "
    "--learning_rate=0.00001 --seq_length=3 --batch_size=4 --max_steps=210100",
    "test": "python geonet_main.py --mode=test_pose --dataset_dir=T "
    "--init_ckpt_file=C/model-185000 --batch_size=1 --seq_length=3 --pose_test_seq=9 "
    "--output_dir=P",
    "eval": "python kitti_eval/eval_pose.py --gtruth_dir=E/09_snippets/ --pred_dir=P",
}
RIGID = (
    "python geonet_main.py --mode=train_rigid --dataset_dir=T --checkpoint_dir=C "
    "--learning_rate=0.0002 --seq_length={3|5} --batch_size=4 --max_steps=350000 "
    "[--dispnet_encoder={vgg|resnet50}] [--scale_normalize=True]"
)
FLOW = (
    "python {geonet_main.py|train.py} --mode=train_flow --dataset_dir=T --checkpoint_dir=F "
    "--learning_rate=0.0002 --seq_length=3 "
    "{--flownet_type=direct|--flownet_type=residual --init_ckpt_file=C/model-350000} "
    "--max_steps=400000"
)
DEPTH = (
    "python {geonet_main.py|eval.py} --mode=test_depth --dataset_dir=R --init_ckpt_file=C/model-1 "
    "--batch_size=1 --depth_test_split={eigen|stereo} --output_dir=P"
)
EVAL_DEPTH = (
    "python {kitti_eval/eval_depth.py|eval.py --mode=eval_depth} --split={eigen|stereo} "
    "--kitti_dir=K --pred_file=F.npy [--min_depth=1e-3 --max_depth=80]"
)
POSE = (
    "python {geonet_main.py|eval.py} --mode=test_pose --dataset_dir=O --init_ckpt_file=C/model-1 "
    "--batch_size=1 --seq_length=5 --pose_test_seq=9 --output_dir=P"
)
EVAL_POSE = (
    "python {kitti_eval/eval_pose.py|eval.py --mode=eval_pose} "
    "--gtruth_dir={E/09_snippets/|E/09_snippets/09/} --pred_dir=P"
)
TEST_FLOW = (
    "python {geonet_main.py|eval.py} --mode=test_flow --dataset_dir=M --init_ckpt_file=F/model-1 "
    "--flownet_type={direct|residual} --batch_size=1 --output_dir=P"
)
EVAL_FLOW = "python {kitti_eval/eval_flow.py|eval.py --mode=eval_flow} --dataset_dir=K --pred_dir=P"
# Every other flag of the original and of the port, at its own default.
OPTIONS = (
    "--mode={train_rigid|train_flow|test_depth|test_pose|test_flow} --dataset_dir=T --batch_size=4 "
    "--num_threads=32 --img_height=128 --img_width=416 --seq_length=3 --checkpoint_dir=C "
    "--learning_rate=0.0002 --max_to_keep=20 --max_steps=300000 --save_ckpt_freq=5000 "
    "--alpha_recon_image=0.85 --dispnet_encoder=resnet50 --scale_normalize=False "
    "--rigid_warp_weight=1.0 --disp_smooth_weight=0.5 --flownet_type=residual "
    "--flow_warp_weight=1.0 --flow_smooth_weight=0.2 --flow_consistency_weight=0.2 "
    "--flow_consistency_alpha=3.0 --flow_consistency_beta=0.05 --output_dir=P "
    "--depth_test_split=eigen --pose_test_seq=9 [--num_source=2 --num_scales=4 --add_flownet= "
    "--add_dispnet= --add_posenet=]"
)
PATTERNS = [
    *PORT.values(),
    *(RIGID, FLOW, DEPTH, EVAL_DEPTH, POSE, EVAL_POSE, TEST_FLOW, EVAL_FLOW),
    f"python geonet_main.py {OPTIONS}",
]
