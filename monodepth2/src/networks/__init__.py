"""Monodepth2's networks: ResNet encoders, decoders of disparity and pose, and what they make up."""

from .depth_decoder import DepthDecoder
from .models import DisparityNet, PoseNet, make_networks, source_frames
from .motion import Motion
from .pose_cnn import PoseCNN
from .pose_decoder import PoseDecoder
from .resnet_encoder import ResnetEncoder

__all__ = [
    "DepthDecoder",
    "DisparityNet",
    "Motion",
    "PoseCNN",
    "PoseDecoder",
    "PoseNet",
    "ResnetEncoder",
    "make_networks",
    "source_frames",
]
