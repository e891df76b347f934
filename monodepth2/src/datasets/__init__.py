"""Samples to learn from: KITTI, own footage; test lists and ground truth."""

from .footage import Camera
from .opening import Samples, open_samples
from .samples import VideoSamples

__all__ = ["Camera", "Samples", "VideoSamples", "open_samples"]
