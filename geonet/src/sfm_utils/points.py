"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Depth in metres from what a network predicts, and points in space.

Conventions
    Camera frame: x right, y down, z ahead. Pixels: (0, 0) is the centre of the top left pixel.
    Maps (H, W) float32 have their image's size.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..model_utils.errors import InputError
from ..model_utils.files import write_bytes
from ..model_utils.images import INVERSE_KINDS
from .intrinsics import Intrinsics

_VERTEX = [(name, "<f4") for name in "xyz"] + [(name, "u1") for name in ("red", "green", "blue")]
_TYPES = {"<f4": "float", "u1": "uchar"}


def depth_of(values: np.ndarray, kind: str, metric_scale: float = 1.0) -> np.ndarray:
    """Depth (H, W) float32 in the unit of metric_scale.

    Args:
        values: (H, W).
        kind: depth: metric_scale times the values; disparity or inverse_depth: metric_scale
            divided by them, infinite where they are not above 0.
        metric_scale: 5.4 for Monodepth2 trained on stereo pairs.
    """
    values, scale = np.float32(values), np.float32(metric_scale)
    if kind not in INVERSE_KINDS:
        return values * scale
    positive = values > 0
    return np.where(positive, scale / np.where(positive, values, 1), np.float32(np.inf))


def metric_png16(depth: np.ndarray, levels_per_metre: float = 1000) -> np.ndarray:
    """(H, W) metres as a 16-bit image; 0 where the depth is not finite.

    Args:
        depth: (H, W) metres.
        levels_per_metre: 1000, millimetres up to 65.5 m; 256, KITTI's steps up to 256 m.
    """
    finite = np.isfinite(depth)
    levels = np.rint(np.where(finite, depth, 0) * np.float32(levels_per_metre))
    return np.uint16(np.clip(levels, 0, 65535))


def write_ply(path: str | Path, depth: np.ndarray, rgb: np.ndarray, camera: Intrinsics) -> None:
    """Write a binary PLY: one vertex per pixel whose depth is finite and above 0.

    Args:
        path: the file.
        depth: (H, W).
        rgb: (H, W, 3) uint8.
        camera: intrinsics of images of that size.
    Raises:
        InputError: intrinsics of another size.
    """
    camera.check_size(*depth.shape, str(path))
    v, u = np.nonzero(np.isfinite(depth) & (depth > 0))
    vertices = np.zeros(len(u), _VERTEX)
    z = vertices["z"] = np.float32(depth)[v, u]
    for name, at, focal, centre in (("x", u, camera.fx, camera.cx), ("y", v, camera.fy, camera.cy)):
        vertices[name] = (np.float32(at) - np.float32(centre)) / np.float32(focal) * z
    for channel, name in enumerate(("red", "green", "blue")):
        vertices[name] = rgb[v, u, channel]
    lines = ["ply", "format binary_little_endian 1.0", f"element vertex {len(vertices)}"]
    lines += [f"property {_TYPES[kind]} {name}" for name, kind in _VERTEX]
    header = "\n".join([*lines, "end_header", ""])
    write_bytes(path, header.encode() + vertices.tobytes())


def check_points(kind: str, metric_scale: float | None, camera: Intrinsics | None) -> None:
    """Answer points that cannot be made before anything starts.

    Raises:
        InputError: no camera, or a kind that is known up to scale and shift only.
    """
    if camera is None:
        raise InputError("formats ply needs the camera; give its intrinsics")
    if kind == "inverse_depth" and metric_scale is None:
        text = "inverse depth is known up to scale and shift, which gives no points"
        raise InputError(f"formats ply: {text}; give a scale to metres or another format")
