"""Monodepth2's losses (paper, section 3)."""

from .reprojection import Reprojection, tie_break_noise
from .view_synthesis import ViewSynthesisLoss

__all__ = ["Reprojection", "ViewSynthesisLoss", "tie_break_noise"]
