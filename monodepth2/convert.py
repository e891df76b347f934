"""Published weights as .ckpt: python convert.py --source_path FOLDER_OR_FILE --target_path NEW

The source is a folder of the PyTorch release (encoder.pth, depth.pth, pose_encoder.pth, pose.pth)
or of the Paddle port (.pdparams): the target is a new folder for --load_weights_folder. Or it is
one file, such as torchvision's resnet18-5c106cde.pth: the target is a .ckpt for --weights_init.
"""

from src.model_utils.program import run
from src.weights import convert


def main(config):
    """Convert source_path to target_path; what is left over is printed."""
    convert(config.source_path, config.target_path)


if __name__ == "__main__":
    run(main, __doc__)
