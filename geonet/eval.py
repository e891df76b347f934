"""Test GeoNet, or score what it predicted: python eval.py --mode test_pose|eval_pose|..."""

from pathlib import Path

from src.evaluation import check_options, depth, flow, flow_scoring, places_of, pose, snippets
from src.evaluation.model import Facts, Model
from src.model_utils.context import start
from src.model_utils.program import run
from src.model_utils.report import report_place


def main(config):
    """Predict with a network and score where the truth is there (test_*), or score files."""
    mode, data, truth = config.mode, config.dataset_dir, config.kitti_dir
    predicted = {"pred_file": config.pred_file, "pred_dir": config.pred_dir}
    given = {"dataset_dir": data, "kitti_dir": truth, "gtruth_dir": config.gtruth_dir}
    check_options(mode, {**given, **predicted}, config.report)
    where = mode, config.output_dir, config.metrics_json, config.csv_file
    panels = config.save_panels, config.panels_path
    weights = config.init_ckpt_file if mode[:4] == "test" else config.pred_file or config.pred_dir
    report = report_place(config.report, weights)
    test_set = config.depth_test_split, config.split_dir, config.min_depth, config.max_depth
    if mode == "eval_depth":
        places = places_of(*where, Path(config.pred_file).parent)
        depth.evaluate_file(config.pred_file, truth, test_set, places, panels, report)
    elif mode == "eval_pose":
        places = places_of(*where, config.pred_dir)
        snippets.evaluate_files(config.gtruth_dir, config.pred_dir, places)
    elif mode == "eval_flow":
        places = places_of(*where, config.pred_dir)
        flow_scoring.evaluate_files(data, config.pred_dir, places, panels, report)
    else:
        size, encoder = (config.img_height, config.img_width), config.dispnet_encoder
        kind = config.seq_length, encoder, config.scale_normalize, config.flownet_type
        computed = config.batch_size, config.amp_level, lambda: start(config)
        model = Model(config.init_ckpt_file, Facts(*size, *kind), *computed)
        places = places_of(*where, model.weights.path.parent / mode)
        loop = {"places": places, "workers": config.num_parallel_workers, "report": report}
        if mode == "test_depth":
            depth.test(model, data, truth, test_set, panels=panels, **loop)
        elif mode == "test_pose":
            sequence = config.pose_test_seq, config.pose_camera
            pose.test(model, data, *sequence, config.gtruth_dir, **loop)
        else:
            flow.test(model, data, config.gt_flow_dir, config.bgr, panels=panels, **loop)


if __name__ == "__main__":
    run(main, __doc__)
