"""What KITTI's two test sets of depth have in common, as GeoNet evaluates them."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from ..sfm_utils.depth_evaluation import DepthScore


class Result(NamedTuple):
    """One frame.

    Attributes:
        score: DepthScore.
        d1: D1-all, percent, of the stereo split: with 1 / depth as the disparity, as in the
            original, and with depth scaled by the median ratio; None of eigen.
    """

    score: DepthScore
    d1: tuple[float, float] | None


def limited(protocol, limits):
    return replace(protocol, min_depth=limits[0], max_depth=limits[1])


def lacking(paths, count, archive):
    """What is said of files that are missing; empty when there are none."""
    if not paths:
        return ""
    return f"{len(paths)} of {count} are missing, first {paths[0]}; unpack KITTI's {archive} there"
