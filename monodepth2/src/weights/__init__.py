"""Weights: those of other programs, of the folders that a training writes, of ImageNet's files."""

from .adam import AdamState, load_adam
from .conversion import convert
from .folder import load_folder, read_folder_record
from .start import check_start, start_networks

__all__ = [
    "AdamState",
    "check_start",
    "convert",
    "load_adam",
    "load_folder",
    "read_folder_record",
    "start_networks",
]
