"""Weights: those of other programs, of the folders that a training writes, of ImageNet's files."""

from .adam import AdamState, load_adam
from .conversion import convert
from .folder import load_folder, read_folder_record
from .start import check_start, start_networks

PUBLISHED = (
    "a folder of the PyTorch release or the Paddle port fits as it is, or after `python convert.py "
    "--source_path mono+stereo_640x192 --target_path weights`: --load_weights_folder weights; "
    "`bash ../scripts/quickstart.sh monodepth2` trains small ones: --load_weights_folder "
    "../out/quickstart_monodepth2/logs/mdp/models/weights_best"
)
__all__ = [
    "PUBLISHED",
    "AdamState",
    "check_start",
    "convert",
    "load_adam",
    "load_folder",
    "read_folder_record",
    "start_networks",
]
