"""Options that do not go together, answered before anything is built."""

from .model_utils.errors import InputError
from .networks.models import check_size

TRAIN_MODES = ("train_rigid", "train_flow")


def check_training(mode, seq_length, size, dispnet_encoder):
    """Check the options of a training.

    Args:
        mode: what to train.
        seq_length: frames of a sample.
        size: (img_height, img_width), pixels.
        dispnet_encoder: resnet50 or vgg.
    Raises:
        InputError: a mode of eval.py, an even number of frames, or a size that does not suit the
            networks.
    """
    if mode not in TRAIN_MODES:
        raise InputError(f"mode {mode} is one of eval.py; train.py has {', '.join(TRAIN_MODES)}")
    check_length(seq_length)
    check_size(*size, dispnet_encoder)


def check_length(seq_length):
    """InputError unless a sample has an odd number of frames, whose middle one is the target."""
    if seq_length % 2 == 0:
        near = f"{seq_length - 1} or {seq_length + 1}"
        raise InputError(f"seq_length {seq_length} has no middle frame; use {near}")
