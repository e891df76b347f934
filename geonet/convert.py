"""TensorFlow's weights as .ckpt: python convert.py --source_path model-N --target_path model-N.ckpt

The source is a checkpoint of the original or of its Ascend port: model-N.index, model-N.data-*; the
target holds all of its networks. init_ckpt_file also takes a TensorFlow checkpoint as it is.
"""

from src.model_utils.program import run
from src.weights import convert


def main(config):
    """Convert source_path to target_path; what is left out is printed."""
    convert(config.source_path, config.target_path)


if __name__ == "__main__":
    run(main, __doc__)
