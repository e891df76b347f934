"""A laser scanner on a car's roof: 64 beams that go round, and what they hit.

Scanner axes: x forward, y left, z up. Each ray meets the face that it hits exactly; which face that
may be is taken from four images, one for each quarter of the turn.
"""

from __future__ import annotations

import numpy as np

from tests.synthetic.camera import Camera
from tests.synthetic.render import seen_faces

UP, DOWN = np.radians(2.0), np.radians(-24.8)  # highest and lowest beam
REACH = 80.0  # metres
CAMERA_AXES = np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])  # scanner from camera looking ahead


def scan(scene, world_from_scanner, columns=1800, beams=64):
    """One turn of the scanner.

    Args:
        scene: Scene, placed by Scene.at() where objects move.
        world_from_scanner: (4, 4) metres.
        columns: rays of a beam in one turn; a multiple of 4.
        beams: how many.

    Returns:
        (n, 4) float32: x, y, z in metres and reflectance 0..1 of what came back.
    """
    elevation = np.linspace(UP, DOWN, beams)[:, None]
    parts = []
    for quarter in range(4):
        azimuth = quarter * np.pi / 2 + (np.arange(columns // 4) + 0.5) / columns * 2 * np.pi
        azimuth = azimuth - np.pi / 4
        flat = np.cos(elevation)
        height = np.broadcast_to(np.sin(elevation), (beams, columns // 4))
        rays = np.stack([flat * np.cos(azimuth), flat * np.sin(azimuth), height], axis=-1)
        parts.append(_quarter(scene, world_from_scanner, quarter, rays.reshape(-1, 3)))
    return np.concatenate(parts).astype(np.float32)


def _quarter(scene, world_from_scanner, quarter, rays):
    """What the rays (n, 3) of one quarter hit: (m, 4)."""
    turn = quarter * np.pi / 2
    R = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    pose = world_from_scanner.copy()
    pose[:3, :3] = world_from_scanner[:3, :3] @ R @ CAMERA_AXES
    half = max(40, len(rays) // 200)
    K = np.array([[half, 0, half + 2], [0, half, 0.05 * half + 2], [0, 0, 1]], np.float64)
    view = Camera(K, pose, int(0.71 * half) + 5, 2 * half + 5)
    faces = seen_faces(scene, view)
    x, y, z = (R @ CAMERA_AXES).T @ rays.T
    u, v = half * x / z + K[0, 2], half * y / z + K[1, 2]
    left, top = np.floor(u).astype(int), np.floor(v).astype(int)
    world_rays = rays @ world_from_scanner[:3, :3].T
    corners = [
        faces[np.clip(top + row, 0, len(faces) - 1), left + column]
        for row, column in ((0, 0), (0, 1), (1, 0), (1, 1))
    ]
    best, slant = _meet(scene, corners[0], pose[:3, 3], world_rays)
    for face in corners[1:]:
        at = np.flatnonzero(face != corners[0])
        reach, cosine = _meet(scene, face[at], pose[:3, 3], world_rays[at])
        closer = reach < best[at]
        best[at[closer]], slant[at[closer]] = reach[closer], cosine[closer]
    back = best <= REACH
    reflectance = np.round(0.1 + 0.8 * slant[back], 2)
    return np.column_stack([rays[back] * best[back, None], reflectance])


def _meet(scene, face, origin, rays):
    """Metres (n,) along each ray to its face, inf where it misses, and the cosine of incidence."""
    away = np.cross(scene.edge_s, scene.edge_t)[face]
    cosine = np.einsum("ni,ni->n", away, rays)
    ahead = (face >= 0) & (cosine > 1e-6)
    to_corner = scene.corner[face] - origin
    reach = np.einsum("ni,ni->n", away, to_corner) / np.where(ahead, cosine, 1)
    hit = rays * reach[:, None] - to_corner
    for edge, size in ((scene.edge_s, scene.size[:, 0]), (scene.edge_t, scene.size[:, 1])):
        place = np.einsum("ni,ni->n", edge[face], hit)
        ahead &= (place >= 0) & (place <= size[face])
    return np.where(ahead & (reach > 0.5), reach, np.inf), cosine
