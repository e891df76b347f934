"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

From depth and motion to where a pixel is seen in another image.

Conventions
    Pixel grid: x to the right, y down, in pixels; the centre of the top left pixel is (0, 0).
    Cameras: X to the right, Y down, Z along the optical axis; intrinsics K (3, 3) in pixels, the
    inverse comes with them (ops.inverse does not exist on Ascend). A pose source_from_target takes
    points of the target's camera to the source's. Depth (B, 1, H, W) is Z, in the poses' unit.
    Flow (B, 2, H, W): x, then y, in pixels.
"""

from __future__ import annotations

import mindspore as ms
import numpy as np
from mindspore import ops
from mindspore.ops import constexpr

from ..model_utils.cpu_forms import CpuForm
from .sampling import Sampler, half_pixel_places
from .warping_cpu import CpuInverseWarp

# What the originals add to Z before they divide by it.
MONODEPTH2_GUARD = 1e-7
GEONET_GUARD = 1e-10


def backproject(depth: ms.Tensor, inverse_intrinsics: ms.Tensor) -> ms.Tensor:
    """The points that the pixels of an image see.

    Args:
        depth: (B, 1, H, W).
        inverse_intrinsics: (B, 3, 3).
    Returns:
        (B, 4, H W), homogeneous, in the camera's frame.
    """
    batch, _, height, width = depth.shape
    rays = ops.matmul(inverse_intrinsics, _pixels(batch, height, width))
    depth = depth.reshape(batch, 1, -1)
    x, y, z = ops.split(rays, 1, 1)
    return ops.concat((x * depth, y * depth, z * depth, ops.ones_like(depth)), 1)


def project(
    points: ms.Tensor,
    intrinsics: ms.Tensor,
    source_from_target: ms.Tensor,
    guard: float,
    shape: tuple[int, int],
) -> tuple[ms.Tensor, ms.Tensor]:
    """Where a moved camera sees points. Nothing is masked: points behind it have places too.

    Args:
        points: (B, 4, H W), homogeneous, in the target camera's frame.
        intrinsics: (B, 3, 3) of the source camera.
        source_from_target: (B, 4, 4).
        guard: added to Z before the division.
        shape: (H, W).
    Returns:
        x and y, (B, H, W) each, pixels.
    """
    matrix = ops.matmul(intrinsics, source_from_target[:, :3])
    x, y, z = ops.split(ops.matmul(matrix, points), 1, 1)
    z = z + guard
    # On CPU `/` would list the places of all numbers, 16 bytes for each.
    divide = ops.RealDiv()
    return divide(x, z).reshape(-1, *shape), divide(y, z).reshape(-1, *shape)


class InverseWarp(CpuForm):
    """What a source image shows where its camera sees the target's pixels.

    Args:
        guard: added to Z before the division.
        outside: see `Sampler`.
        half_pixel: whether the places become those of `half_pixel_places`.
    """

    def __init__(self, guard: float, outside: str, half_pixel: bool = False):
        super().__init__()
        self.guard, self.half_pixel = guard, half_pixel
        self.sampler = Sampler(outside)
        if self.cpu_form:
            self.on_cpu = CpuInverseWarp(guard, outside == "border", half_pixel)

    def construct(self, image, depth, intrinsics, inverse_intrinsics, source_from_target):
        """The target's view of the source image, which gets no gradient.

        Args:
            image: (B, C, H, W) of the source.
            depth: (K B, 1, h, w) of the target: K sets one after the other, each of the whole
                batch.
            intrinsics: (B, 3, 3) of the source.
            inverse_intrinsics: (B, 3, 3) of the target.
            source_from_target: (B, 4, 4).
        Returns:
            (K B, C, h, w).
        """
        if self.cpu_form:
            projection = ops.matmul(intrinsics, source_from_target[:, :3])
            return self.on_cpu(image, depth, projection, inverse_intrinsics)
        sets = (depth.shape[0] // image.shape[0], 1, 1)
        points = backproject(depth, ops.tile(inverse_intrinsics, sets))
        cameras = ops.tile(intrinsics, sets), ops.tile(source_from_target, sets)
        x, y = project(points, *cameras, self.guard, depth.shape[2:])
        if self.half_pixel:
            x, y = half_pixel_places(x, image.shape[3]), half_pixel_places(y, image.shape[2])
        return self.sampler(image, x, y)


def rigid_flow(
    depth: ms.Tensor,
    intrinsics: ms.Tensor,
    inverse_intrinsics: ms.Tensor,
    source_from_target: ms.Tensor,
    guard: float = GEONET_GUARD,
) -> ms.Tensor:
    """Optical flow of a static scene: (B, 2, H, W) from target to source, pixels.

    Args:
        depth: (B, 1, H, W) of the target.
        intrinsics, inverse_intrinsics: (B, 3, 3).
        source_from_target: (B, 4, 4).
        guard: see `project`.
    """
    batch, _, height, width = depth.shape
    points = backproject(depth, inverse_intrinsics)
    x, y = project(points, intrinsics, source_from_target, guard, (height, width))
    return ops.stack((x, y), 1) - grid(batch, height, width)


def places(flow: ms.Tensor) -> tuple[ms.Tensor, ms.Tensor]:
    """Where a flow (B, 2, H, W) ends: x and y, (B, H, W) each, pixels."""
    batch, _, height, width = flow.shape
    x, y = ops.split(flow + grid(batch, height, width), 1, 1)
    return x.reshape(batch, height, width), y.reshape(batch, height, width)


@constexpr
def grid(batch: int, height: int, width: int) -> ms.Tensor:
    """x and y of the pixels of B images, (B, 2, H, W).

    To add one of (1, 2, H, W), CPU would list the places of all numbers, 16 bytes for each.
    """
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return ms.Tensor(np.repeat(np.stack((x, y))[None], batch, 0))


@constexpr
def _pixels(batch, height, width):
    """(x, y, 1) of every pixel, (B, 3, H W)."""
    y, x = np.mgrid[:height, :width].reshape(2, -1).astype(np.float32)
    return ms.Tensor(np.repeat(np.stack((x, y, np.ones_like(x)))[None], batch, 0))
