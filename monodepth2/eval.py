"""Evaluate Monodepth2: python eval.py --data_path KITTI --load_weights_folder FOLDER --eval_mono"""

from pathlib import Path

from src.datasets import Camera
from src.evaluation import depth, footage, odometry, places_of
from src.evaluation.model import Model
from src.evaluation.protocols import choose_protocol
from src.model_utils.context import start
from src.model_utils.program import run
from src.model_utils.report import report_place
from src.prediction import weights_folder


def main(config):
    """Evaluate own footage, a sequence of odometry, or a test set of depth."""
    split = "folder" if config.dataset == "folder" else config.eval_split
    data_path, external = config.data_path, config.ext_disp_to_eval
    folder = config.load_weights_folder or (external and Path(external).parent)
    folder = weights_folder(folder, config.model_name, config.train_url)
    report = report_place(config.report, folder)
    places = places_of(split, folder, config.eval_out_dir, config.metrics_json, config.csv_file)
    limits = config.min_depth, config.max_depth
    model = Model(folder, config.amp_level, lambda: start(config), limits, config.num_layers)
    loop = {"batch_size": config.eval_batch_size, "workers": config.num_parallel_workers}
    kind = {"mono": config.eval_mono, "stereo": config.eval_stereo}
    drawn = {"panels": config.save_panels, "panels_path": config.panels_path, "report": report}
    if split == "folder":
        camera = Camera(config.intrinsics, config.field_of_view, config.baseline)
        truth = footage.Truth(config.gt_depth_path, model.metric_scale, **kind)
        own = {"frame_step": config.frame_step, "val_share": config.val_share, **drawn}
        footage.evaluate(model, data_path, camera, places, truth, **own)
    elif split in odometry.SPLITS:
        odometry.evaluate(model, data_path, split, places, png=config.png, report=report, **loop)
    else:
        kind |= {} if external else {"metric_scale": model.metric_scale}
        given = {"keep_scale": config.disable_median_scaling}
        protocol = choose_protocol(split, **kind, **given, factor=config.pred_depth_scale_factor)
        test = depth.TestSet(split, config.split_dir, data_path, not config.no_eval, config.png)
        test.check_report(report)
        places.check(uses_folder=config.save_pred_disps or split == depth.BENCHMARK)
        if external:
            disparities = test.read(external, config.eval_eigen_to_benchmark)
        else:
            disparities = test.predict(model, post_process=config.post_process, **loop)
        test.evaluate(disparities, protocol, places, saves=config.save_pred_disps, **drawn)


if __name__ == "__main__":
    run(main, __doc__)
