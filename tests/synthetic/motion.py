"""Exact optical flow and disparity from depth and poses, and the warp that undoes them.

A point on a moving object moves rigidly with it between the two moments, whatever the camera does.
"""

from __future__ import annotations

import cv2
import numpy as np

from tests.synthetic.camera import relative_pose


def moved_points(camera, frame, next_camera, next_frame):
    """Where the points that one image shows are at the moment of another, seen by its camera.

    Args:
        camera: Camera of the first image.
        frame: Frame seen by it.
        next_camera: Camera of the second image.
        next_frame: Frame seen by it.

    Returns:
        (3, H, W) float64, metres in the second camera's axes; that camera's centre without depth.
    """
    target_from_source = relative_pose(next_camera, camera)
    v, u = np.mgrid[: camera.height, : camera.width].astype(np.float64)
    pixels = np.stack([u, v, np.ones_like(u)])
    rays = np.tensordot(np.linalg.inv(camera.K), pixels, 1)
    seen = rays * frame.depth
    points = np.tensordot(target_from_source[:3, :3], seen, 1)
    points += target_from_source[:3, 3, None, None]
    for pose, next_pose, here in _moving_pixels(frame, next_frame):
        world_moved = next_pose @ np.linalg.inv(pose)
        moved = np.linalg.inv(next_camera.world_from_camera) @ world_moved
        moved = moved @ camera.world_from_camera
        points[:, here] = moved[:3, :3] @ seen[:, here] + moved[:3, 3:]
    return points


def _moving_pixels(frame, next_frame):
    """Of each moving object in view: its poses at both moments, and its pixels (H, W) bool."""
    if frame.scene is None:
        return
    mover = object_map(frame)
    for index in np.unique(mover[mover >= 0]):
        poses = frame.scene.world_from_object[index], next_frame.scene.world_from_object[index]
        if not np.array_equal(*poses):
            yield (*poses, mover == index)


def object_map(frame):
    """Which moving object each pixel shows.

    Args:
        frame: Frame.

    Returns:
        (H, W) index into the scene's movers, -1 for what is fixed.
    """
    if frame.scene is None:
        return np.full(frame.face.shape, -1)
    return np.append(frame.scene.mover, -1)[frame.face]


def flow_between(camera, frame, next_camera, next_frame):
    """Optical flow from depth, the two camera poses and the motion of the scene's objects.

    Args:
        camera: Camera of the first image.
        frame: Frame seen by it.
        next_camera: Camera of the second image.
        next_frame: Frame seen by it.

    Returns:
        flow (H, W, 2) float32, pixels (x, y), 0 where not valid;
        valid (H, W) bool: there is depth, and the flow ends inside the second image;
        visible (H, W) bool: valid, and a pixel next to the flow's end shows the same face.
    """
    v, u = np.mgrid[: camera.height, : camera.width].astype(np.float64)
    points = moved_points(camera, frame, next_camera, next_frame)
    x, y, z = np.tensordot(next_camera.K, points, 1)
    valid = (frame.depth > 0) & (z > 1e-3)
    z = np.where(valid, z, 1)
    x, y = x / z, y / z
    valid &= (x >= 0) & (x <= next_camera.width - 1) & (y >= 0) & (y <= next_camera.height - 1)
    flow = np.where(valid[..., None], np.stack([x - u, y - v], axis=-1), 0).astype(np.float32)
    return flow, valid, valid & _same_face(frame.face, next_frame.face, x, y, valid)


def _same_face(face, next_face, x, y, valid):
    """Whether one of the four pixels around (x, y) shows the face that is seen here."""
    left, top = (np.floor(np.where(valid, a, 0)).astype(int) for a in (x, y))
    seen = np.zeros_like(valid)
    for row in (top, np.minimum(top + 1, next_face.shape[0] - 1)):
        for column in (left, np.minimum(left + 1, next_face.shape[1] - 1)):
            seen |= next_face[row, column] == face
    return seen


def warp_back(next_rgb, flow):
    """Fetch the first image's colours from the second one.

    Args:
        next_rgb: (H, W, 3) or (H, W), uint8 or float32, the second image.
        flow: (H, W, 2) float32, from the first to the second image.

    Returns:
        Like `next_rgb`, bilinear; borders are repeated.
    """
    v, u = np.mgrid[: flow.shape[0], : flow.shape[1]].astype(np.float32)
    x, y = u + flow[..., 0], v + flow[..., 1]
    return cv2.remap(next_rgb, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def disparity(depth, focal, baseline):
    """Disparity of a rectified stereo pair: column x on the left is x - disparity on the right.

    Args:
        depth: (H, W) metres, 0 where there is none.
        focal: pixels.
        baseline: metres.

    Returns:
        (H, W) float32, pixels, 0 where there is no depth.
    """
    known = depth > 0
    return np.where(known, focal * baseline / np.where(known, depth, 1), 0).astype(np.float32)
