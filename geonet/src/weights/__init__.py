"""Weights: checkpoints of ours and of TensorFlow, and what a training starts from."""

from .conversion import convert
from .files import find_weights
from .loading import load
from .names import trainable_variables
from .reading import Weights, open_weights
from .start import check_start, start_networks

PUBLISHED = (
    "the original's TensorFlow checkpoints (model-N.index, model-N.data-*) fit as they are, or "
    "after `python convert.py --source_path model-345000 --target_path model-345000.ckpt`: "
    "--init_ckpt_file model-345000; `bash ../scripts/quickstart.sh geonet` trains small ones: "
    "--init_ckpt_file ../out/quickstart_geonet/rigid"
)
__all__ = [
    "PUBLISHED",
    "Weights",
    "check_start",
    "convert",
    "find_weights",
    "load",
    "open_weights",
    "start_networks",
    "trainable_variables",
]
