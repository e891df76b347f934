"""Predict depth, a camera's path or flow: python infer.py --image_path IMAGES --task depth"""

from src.evaluation.model import Facts, Model
from src.model_utils.context import start
from src.model_utils.media import images_at_a_time, is_one_image
from src.model_utils.program import run
from src.prediction import Camera, formats_of, inputs_of, predict
from src.weights import PUBLISHED, find_weights


def main(config):
    """Predict every image and video of image_path into output_path."""
    weights = find_weights(config.init_ckpt_file or config.train_url)
    inputs = inputs_of(config.image_path, config.ext)
    formats = formats_of(config.task, config.formats)
    size, encoder = (config.img_height, config.img_width), config.dispnet_encoder
    kind = config.seq_length, encoder, config.scale_normalize, config.flownet_type
    count = images_at_a_time(inputs, config.infer_batch_size)
    computed = count, config.amp_level, lambda: start(config)
    model = Model(weights, Facts(*size, *kind), *computed, eager=is_one_image(inputs))
    camera = Camera(config.intrinsics, config.field_of_view)
    where = {"input_path": inputs, "output_path": config.output_path}
    files = {**where, "skip_bad": config.skip_bad_samples}
    predict(model, config.task, formats, camera, config.scale, files)


if __name__ == "__main__":
    run(main, __doc__, without_weights=PUBLISHED)
