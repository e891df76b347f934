"""Evaluate Monodepth2: python eval.py --data_path KITTI --load_weights_folder FOLDER --eval_mono"""

from src.datasets import Camera
from src.evaluation import depth, footage, odometry, places_of
from src.evaluation.model import Model
from src.model_utils.context import start
from src.model_utils.program import run


def main(config):
    """Evaluate a test set of depth, a sequence of odometry, or own footage."""
    split, data_path = config.eval_split, config.data_path
    name = "folder" if config.dataset == "folder" else split
    outputs = config.eval_out_dir, config.metrics_json, config.csv_file
    places = places_of(name, config.load_weights_folder, *outputs)
    model = Model(config.load_weights_folder, config.amp_level, lambda: start(config))
    loop = {"batch_size": config.eval_batch_size, "workers": config.num_parallel_workers}
    if config.dataset == "folder":
        camera = Camera(config.intrinsics, config.field_of_view, config.baseline)
        own = {"frame_step": config.frame_step, "val_share": config.val_share}
        footage.evaluate(model, data_path, camera, places, truth=config.gt_depth_path, **own)
    elif split in odometry.SPLITS:
        odometry.evaluate(model, data_path, split, places, **loop)
    else:
        scaling = {"mono": config.eval_mono, "stereo": config.eval_stereo}
        scaling |= {"keep_scale": config.disable_median_scaling}
        protocol = depth.choose_protocol(split, **scaling, factor=config.pred_depth_scale_factor)
        test = depth.TestSet(split, config.split_dir, data_path, needs_truth=not config.no_eval)
        if config.ext_disp_to_eval:
            disparities = test.read(config.ext_disp_to_eval, config.eval_eigen_to_benchmark)
        else:
            disparities = test.predict(model, post_process=config.post_process, **loop)
        if config.save_pred_disps:
            test.save(disparities, places.folder)
        if config.no_eval:
            print("-> Evaluation disabled. Done.")
        else:
            test.evaluate(disparities, protocol, places, config.save_panels, config.panels_path)


if __name__ == "__main__":
    run(main, __doc__)
