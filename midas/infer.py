"""Predict inverse depth: python infer.py --input_path IMAGES --output_path RESULTS"""

from functools import partial

from src.model_utils.context import start
from src.model_utils.media import is_one_image, predict_all
from src.model_utils.program import run
from src.prediction import Predictor, graph_predictor, load_predict, weights_file
from src.transforms import network_size
from src.weights import PUBLISHED


def main(config):
    """Predict every image and video of input_path with a checkpoint or an exported graph."""
    weights = weights_file(config.model_weights or config.ckpt_path)
    is_one, device = is_one_image(config.input_path), start(config)
    if weights.suffix == ".mindir":
        predictor = graph_predictor(weights, config.infer_batch_size)
    else:
        predict = load_predict(
            weights,
            config.amp_level,
            device,
            eager=is_one,
            layers=config.layers,
            features=config.features,
            groups=config.groups,
            width_per_group=config.width_per_group,
            network_variant=config.network_variant,
            grouped_conv=config.grouped_conv,
        )
        rule = {"method": config.resize_method, "multiple_of": config.ensure_multiple_of}
        rule["keep_aspect_ratio"] = config.keep_aspect_ratio
        image = {"mean": config.nm_img_mean, "std": config.nm_img_std}
        size_of = partial(network_size, aim=(config.img_width, config.img_height), **rule)
        predictor = Predictor(predict, size_of, **image, batch_size=config.infer_batch_size)
    predict_all(
        predictor,
        kind="inverse_depth",
        input_path=config.input_path,
        output_path=config.output_path,
        formats=config.formats,
        skip_bad=config.skip_bad_samples,
    )


if __name__ == "__main__":
    run(main, __doc__, without_weights=PUBLISHED)
