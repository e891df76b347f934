"""Weights: checkpoints of ours and of TensorFlow, and what a training starts from."""

from .conversion import convert
from .files import find_weights
from .loading import load
from .names import trainable_variables
from .reading import Weights, open_weights
from .start import check_start, start_networks

__all__ = [
    "Weights",
    "check_start",
    "convert",
    "find_weights",
    "load",
    "open_weights",
    "start_networks",
    "trainable_variables",
]
