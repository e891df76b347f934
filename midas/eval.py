"""Zero-shot errors: python eval.py --train_data_dir DATA --data_name all --ckpt_path MIDAS.ckpt"""

from src.datasets.zero_shot import PROTOCOLS, open_datasets
from src.evaluation.benchmark import choose, evaluate_all
from src.evaluation.evaluator import Evaluator
from src.evaluation.onnx import onnx_predict
from src.model_utils.context import start
from src.model_utils.program import run
from src.model_utils.report import report_place
from src.prediction import load_predict, weights_file


def main(config):
    """Evaluate the datasets of data_name with a checkpoint, or with ONNX graphs."""
    report = report_place(config.report, config.ckpt_path)
    protocol, name = PROTOCOLS[config.eval_protocol], config.data_name
    graphs = {"TUM": config.TUM_onnx, "Kitti": config.Kitti_onnx, "Sintel": config.Sintel_onnx}
    places = {"Sintel": config.datapath_Sintel, "Kitti": config.datapath_Kitti}
    places |= {"TUM": config.datapath_TUM, "DIW": config.datapath_DIW}
    places |= {"ETH3D": config.datapath_ETH3D, "NYU": config.datapath_NYU}
    graphs, places = choose(name, graphs, places)
    checkpoint = None if graphs else weights_file(config.ckpt_path)
    datasets = open_datasets(places, config.train_data_dir, protocol, skip_absent=name == "all")
    if graphs:
        predicts = {title: onnx_predict(graphs[title]) for title in datasets}
    else:
        predict = load_predict(
            checkpoint,
            config.amp_level,
            start(config),
            layers=config.layers,
            features=config.features,
            groups=config.groups,
            width_per_group=config.width_per_group,
            network_variant=config.network_variant,
            grouped_conv=config.grouped_conv,
        )
        predicts = dict.fromkeys(datasets, predict)
    size = config.img_width, config.img_height
    image = {"size": size, "mean": config.nm_img_mean, "std": config.nm_img_std}
    loop = {"batch_size": config.eval_batch_size, "workers": config.num_parallel_workers}
    evaluator = Evaluator(protocol, **image, **loop, skip_bad=config.skip_bad_samples)
    result_file = config.onnx_file if graphs else config.ann_file
    files = {"result_file": result_file, "csv_file": config.csv_file}
    panels = {"panels_path": config.panels_path, "panels": config.save_panels}
    evaluate_all(evaluator, datasets, predicts, **files, **panels, page=report)


if __name__ == "__main__":
    run(main, __doc__)
