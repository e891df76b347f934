"""From weights and images to disparity, depth and camera motion, and the files that are left."""

from .beside import check_formats, predict_beside
from .inputs import FrameSource, camera_of, inputs_of
from .into import predict_into
from .loading import (
    disparity_cell,
    disparity_network,
    pose_cell,
    pose_network,
    weights_folder,
)
from .metres import Known, Measuring, metres_per_unit
from .predictors import Enlarged, Network

__all__ = [
    "Enlarged",
    "FrameSource",
    "Known",
    "Measuring",
    "Network",
    "camera_of",
    "check_formats",
    "disparity_cell",
    "disparity_network",
    "inputs_of",
    "metres_per_unit",
    "pose_cell",
    "pose_network",
    "predict_beside",
    "predict_into",
    "weights_folder",
]
