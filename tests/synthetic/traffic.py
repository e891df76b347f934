"""Cars that drive: how fast they are when, and what they look like.

Time is counted in frames, 10 per second; what drives is given by its way along the road at each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tests.synthetic.roads import Road

FRAMES = 3000  # as far as a drive's timetable goes
RAMP = 4  # frames from driving to standing
APPROACH = 14.0  # metres between a car that waits and the side street
LEAD_GAP = 15.0  # metres to the car ahead in the same lane


@dataclass(frozen=True)
class Track:
    """Something that drives along a road.

    Attributes:
        road: Road.
        along: (frames,) metres along the road at each frame.
        lateral: metres to the right of the centre line.
        up: metres above the ground.
        sway: (3,) amplitudes of lateral (metres), pitch and roll (radians), waves along the way.
        turned: whether it drives against the road's direction.
    """

    road: Road
    along: np.ndarray
    lateral: float
    up: float = 0.0
    sway: tuple = (0.0, 0.0, 0.0)
    turned: bool = False

    def pose(self, frame):
        """The pose at a frame.

        Args:
            frame: frame number, whole or not, from 0.

        Returns:
            (4, 4) float64 `world_from_object`.
        """
        along = np.interp(frame, np.arange(len(self.along)), self.along)
        aside, pitch, roll = self.sway * np.sin(along / np.array([6.0, 3.1, 4.3]))
        yaw = np.pi if self.turned else 0.0
        return self.road.pose(along, self.lateral + aside, self.up, yaw, pitch, roll)


@dataclass(frozen=True)
class Timetable:
    """When a car drives and when it waits.

    Attributes:
        along: (FRAMES,) metres.
        stops: (n, 2) first frame of each stop, and the frame at which the car starts again.
    """

    along: np.ndarray
    stops: np.ndarray

    def stands(self, frame):
        """Whether the car stands still from one frame to the next.

        Args:
            frame: whole number.

        Returns:
            bool.
        """
        return bool(((frame >= self.stops[:, 0]) & (frame < self.stops[:, 1])).any())


def timetable(rng, speed=1.0):
    """Draw a drive with its stops, the first one within the first second or two.

    Args:
        rng: numpy Generator.
        speed: 1 cruises at 7.5 to 10 metres per second.

    Returns:
        Timetable.
    """
    frame = np.arange(FRAMES)
    cruise = speed * rng.uniform(0.75, 1.0)
    wave = np.sin(2 * np.pi * frame / rng.uniform(25, 40) + rng.uniform(0, 2 * np.pi))
    steps = cruise * (1 + 0.25 * wave)
    stops, at, length = [], int(rng.integers(9, 13)), 6
    while at + length + RAMP < FRAMES:
        stops.append((at, at + length))
        distance = np.maximum(at - frame, frame - (at + length - 1))
        steps *= np.clip(distance / (RAMP + 1), 0, 1)
        at += length + int(rng.integers(45, 70))
        length = int(rng.integers(8, 14))
    return Timetable(np.concatenate([[0], np.cumsum(steps)[:-1]]), np.array(stops))


def lead_along(ego):
    """The way of the car ahead: it does not wait where we do, and lets us come up again later.

    Args:
        ego: Timetable.

    Returns:
        (FRAMES,) metres.
    """
    speed = np.append(np.diff(ego.along), 0)
    gaps = [LEAD_GAP]
    for step in speed[:-1]:
        away = max(0.0, 0.8 - step)
        closer = min(0.04 * (gaps[-1] - LEAD_GAP), 0.5 * step)
        gaps.append(gaps[-1] + (away if away > 0.2 else -closer))
    return ego.along + np.array(gaps)


def car(builder, rng, at=(0.0, 0.0, 0.0), yaw=0.0):
    """Add a car, or now and then a van; its front looks along z.

    Args:
        builder: scene.Builder.
        rng: numpy Generator.
        at: (3,) the middle of its base, metres.
        yaw: radians.
    """
    paint, length = rng.uniform(0.1, 1.0, 3), rng.uniform(3.6, 4.6)
    at = np.asarray(at, np.float64)
    ahead = np.array([np.sin(yaw), 0, np.cos(yaw)])
    if rng.random() < 0.2:
        builder.box(at - (0, 0.25, 0), (1.9, 1.9, length + 0.6), yaw, "metal", paint)
    else:
        builder.box(at - (0, 0.2, 0), (1.75, 0.65, length), yaw, "metal", paint)
        cabin = at - (0, 0.85, 0) - 0.3 * ahead
        builder.box(cabin, (1.55, 0.6, 0.52 * length), yaw, "metal", paint * 0.25)
    for along in (-0.31 * length, 0.31 * length):
        builder.box(at + along * ahead, (1.6, 0.45, 0.6), yaw, "metal", (0.08, 0.08, 0.08))
