"""Predict depth: python infer.py --image_path IMAGE --load_weights_folder FOLDER"""

from src.datasets import Camera
from src.model_utils.context import start
from src.model_utils.media import images_at_a_time, is_one_image
from src.model_utils.program import run
from src.prediction import (
    FrameSource,
    Known,
    Measuring,
    camera_of,
    check_formats,
    disparity_network,
    inputs_of,
    metres_per_unit,
    pose_network,
    predict_beside,
    predict_into,
    weights_folder,
)
from src.weights import PUBLISHED, read_folder_record


def main(config):
    """Predict every image and video of image_path, beside them or into output_path."""
    folder = weights_folder(config.load_weights_folder, config.model_name, config.train_url)
    record = read_folder_record(folder)
    inputs = inputs_of(config.image_path, config.ext)
    check_formats(config.formats, config.output_path)
    known = Known(config.scale, config.known_distance, config.camera_height, config.gps)
    source, camera, poses = FrameSource.of(inputs), None, None
    if "ply" in config.formats or config.camera_height:
        camera = camera_of(source, Camera(config.intrinsics, config.field_of_view))
    options = images_at_a_time(inputs, config.infer_batch_size), is_one_image(inputs)
    computed = folder, record, config.amp_level, start(config), *options
    print("-> Loading model from ", folder)
    if "tum" in config.formats or config.gps:
        poses = pose_network(*computed)
    network = disparity_network(*computed)
    scale = metres_per_unit(known, Measuring(source, network, camera, poses), record)
    wanted = inputs, config.formats, config.pred_metric_depth, config.skip_bad_samples
    if config.output_path:
        predict_into(network, poses, scale, *wanted, camera=camera, output_path=config.output_path)
    else:
        predict_beside(network, scale, *wanted)


if __name__ == "__main__":
    run(main, __doc__, without_weights=PUBLISHED)
