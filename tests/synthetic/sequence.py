"""Images of a camera that moves through a room or a street."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import numpy as np

from tests.synthetic.camera import Camera, intrinsics
from tests.synthetic.drives import drive
from tests.synthetic.motion import flow_between
from tests.synthetic.render import Frame, render
from tests.synthetic.rooms import room
from tests.synthetic.streets import street

WORLDS = {"room": room, "street": street, "drive": drive}
FOCAL = {"room": 0.81, "street": 0.58, "drive": 0.58}  # share of the width: Kinect, KITTI


@dataclass(frozen=True)
class Sample:
    """What is known of one image of a sequence.

    Attributes:
        camera: Camera.
        frame: Frame that it sees.
        flow: (H, W, 2) float32, pixels (x, y) to the next image; None unless asked for.
        flow_valid: (H, W) bool, where the flow is known and its end is in the next image.
        visible: (H, W) bool, where moreover nothing hides that end in the next image.
        right_camera: Camera to the right in a stereo pair; None unless a baseline is given.
        right: Frame that it sees.
    """

    camera: Camera
    frame: Frame
    flow: Optional[np.ndarray] = None
    flow_valid: Optional[np.ndarray] = None
    visible: Optional[np.ndarray] = None
    right_camera: Optional[Camera] = None
    right: Optional[Frame] = None

    @property
    def rgb(self):
        """(H, W, 3) uint8."""
        return self.frame.rgb

    @property
    def depth(self):
        """(H, W) float32, metres along the optical axis, 0 where there is none."""
        return self.frame.depth

    @property
    def K(self):
        """(3, 3) float64, pixels."""
        return self.camera.K

    @property
    def world_from_camera(self):
        """(4, 4) float64, metres."""
        return self.camera.world_from_camera


def sequence(
    kind, seed, frames, height=480, width=640, baseline=0.0, stride=1.0, start=0, flow=False
):
    """Render a sequence, image by image.

    Args:
        kind: "room", "street" or "drive".
        seed: whole number or sequence of them; everything follows from it.
        frames: how many images.
        height: pixels.
        width: pixels.
        baseline: metres between the two cameras of a stereo pair; 0 for a single one.
        stride: steps of the path between two images (rooms about 5 cm, streets 1 m a step).
        start: number of the first image.
        flow: whether to give the optical flow to the next image (of the last one too).

    Yields:
        Sample.
    """
    scene, path = WORLDS[kind](seed)
    K = intrinsics(height, width, FOCAL[kind])

    def look(index):
        camera = Camera(K, path.pose(index * stride), height, width)
        return camera, render(scene, camera, time=index * stride)

    camera, frame = look(start)
    for index in range(start, start + frames):
        ahead = look(index + 1) if flow or index + 1 < start + frames else None
        motion = flow_between(camera, frame, *ahead) if flow else (None, None, None)
        right_camera = camera.shifted(baseline) if baseline else None
        right = render(scene, right_camera, time=index * stride) if baseline else None
        yield Sample(camera, frame, *motion, right_camera, right)
        if ahead:
            camera, frame = ahead
