"""Pictures of a camera that moves through a room or a street."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import numpy as np

from tests.synthetic.camera import Camera, intrinsics
from tests.synthetic.motion import flow_between
from tests.synthetic.render import render
from tests.synthetic.rooms import room
from tests.synthetic.streets import street

WORLDS = {"room": room, "street": street}
FOCAL = {"room": 0.81, "street": 0.58}  # share of the width: NYU's Kinect, KITTI's colour cameras


@dataclass(frozen=True)
class Sample:
    """What is known of one picture of a sequence.

    Attributes:
        rgb: (H, W, 3) uint8.
        depth: (H, W) float32, metres along the optical axis, 0 where there is none.
        K: (3, 3) float64, pixels.
        world_from_camera: (4, 4) float64, metres.
        flow: (H, W, 2) float32, pixels (x, y) to the next picture; None unless asked for.
        flow_valid: (H, W) bool, where the flow is known and its end is in the next picture.
        visible: (H, W) bool, where moreover nothing hides that end in the next picture.
        right: Frame of the right camera of a stereo pair; None unless a baseline is given.
    """

    rgb: np.ndarray
    depth: np.ndarray
    K: np.ndarray
    world_from_camera: np.ndarray
    flow: Optional[np.ndarray] = None
    flow_valid: Optional[np.ndarray] = None
    visible: Optional[np.ndarray] = None
    right: Optional[object] = None


def sequence(kind, seed, frames, height=480, width=640, baseline=0.0, stride=1.0, flow=False):
    """Render a sequence, picture by picture.

    Args:
        kind: "room" or "street".
        seed: whole number or sequence of them; everything follows from it.
        frames: how many pictures.
        height: pixels.
        width: pixels.
        baseline: metres between the two cameras of a stereo pair; 0 for a single one.
        stride: steps of the path between two pictures (rooms about 5 cm, streets 1 m a step).
        flow: whether to give the optical flow to the next picture (of the last one too).

    Yields:
        Sample.
    """
    scene, path = WORLDS[kind](seed)
    K = intrinsics(height, width, FOCAL[kind])

    def look(index):
        camera = Camera(K, path.pose(index * stride), height, width)
        return camera, render(scene, camera)

    camera, frame = look(0)
    for index in range(frames):
        ahead = look(index + 1) if flow or index + 1 < frames else None
        motion = flow_between(camera, frame, *ahead) if flow else (None, None, None)
        right = render(scene, camera.shifted(baseline)) if baseline else None
        yield Sample(frame.rgb, frame.depth, K, camera.world_from_camera, *motion, right)
        if ahead:
            camera, frame = ahead
