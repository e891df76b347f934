"""Predict depth: python infer.py --input_path IMAGES --output_path RESULTS"""

from src.model_utils.checkpoint import must_exist
from src.model_utils.context import start
from src.model_utils.media import images_at_a_time, is_one_image, predict_all
from src.model_utils.program import run
from src.prediction import Predictor
from src.weights import PUBLISHED


def main(config):
    """Predict every image and video of input_path into output_path."""
    must_exist(*config.model_weights)
    count = images_at_a_time(config.input_path, config.infer_batch_size)
    options = {"batch_size": count, "eager": is_one_image(config.input_path)}
    start(config)
    predict_all(
        Predictor(config.model_weights, config.infer_crop, **options),
        kind="depth",
        input_path=config.input_path,
        output_path=config.output_path,
        formats=config.formats,
        skip_bad=config.skip_bad_samples,
    )


if __name__ == "__main__":
    run(main, __doc__, without_weights=PUBLISHED)
