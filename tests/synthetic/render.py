"""The ray caster: what a camera sees of a scene.

The ray of pixel (u, v) meets the plane of a face at 1/z = g . (u, v, 1), and the place on the face
times 1/z is linear in (u, v, 1) too. So a product of three numbers gives the exact hit, a face
covers one interval of each row, and the nearest face is the one with the largest 1/z.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import numpy as np

from tests.synthetic import textures
from tests.synthetic.scene import Scene


@dataclass(frozen=True)
class Frame:
    """One rendered image.

    Attributes:
        rgb: (H, W, 3) uint8.
        depth: (H, W) float32, metres along the optical axis, 0 where there is none.
        face: (H, W) int16, index of the face that is seen, -1 for the sky.
        scene: Scene at that moment; None where nothing moves.
    """

    rgb: np.ndarray
    depth: np.ndarray
    face: np.ndarray
    scene: Optional[Scene] = None


def render(scene, camera, texture_seed=0, time=0.0):
    """Render a scene.

    Args:
        scene: Scene.
        camera: Camera.
        texture_seed: seed of the textures.
        time: frame number, whole or not, at which moving objects are seen.

    Returns:
        Frame.
    """
    scene = scene.at(time)
    kept, distance, forms = _face_forms(scene, camera)
    inv_z, local = _nearest(scene.size[kept], forms, camera.height, camera.width)
    sky = local < 0
    any_sky = bool(sky.any())
    # The sky takes the last row of each table, which is made to be harmless.
    z = 1 / np.where(sky, np.float32(1), inv_z) if any_sky else 1 / inv_z
    ray_length, up = _rays(camera)
    cosine = _table(distance).take(local, mode="wrap") / (z * ray_length)
    np.clip(cosine, 0.02, 1, out=cosine)
    albedo = _albedo(scene, kept, forms, local, z, cosine, camera, texture_seed)
    rgb = _shade(scene, kept, local, albedo, z * ray_length, cosine)
    if any_sky:
        rgb[sky] = _sky(scene.light, up[sky] / ray_length[sky])
    np.sqrt(np.clip(rgb, 0, 1, out=rgb), out=rgb)
    depth = np.where(sky | (z > scene.max_depth), np.float32(0), z)
    face = np.append(kept, -1).astype(np.int16).take(local, mode="wrap")
    rgb = (rgb * np.float32(255) + np.float32(0.5)).astype(np.uint8)
    return Frame(rgb, depth, face, scene if scene.movers else None)


def seen_faces(scene, camera):
    """Which face each pixel shows: the renderer without its colours.

    Args:
        scene: Scene, placed by Scene.at() where objects move.
        camera: Camera.

    Returns:
        (H, W) index into the scene's faces, -1 for the sky.
    """
    kept, _, forms = _face_forms(scene, camera)
    _, local = _nearest(scene.size[kept], forms, camera.height, camera.width)
    return np.append(kept, -1).take(local, mode="wrap")


def _face_forms(scene, camera):
    """Of the n faces that may be seen: index (n,), distance of the plane (n,), forms (3, n, 3).

    The forms times (u, v, 1) are 1/z, s/z and t/z, with s and t in metres from the face's corner.
    """
    away = np.cross(scene.edge_s, scene.edge_t)
    distance = np.einsum("fi,fi->f", away, scene.corner - camera.position)
    kept = np.flatnonzero((distance > 1e-6) & _in_view(scene, camera))
    world_from_pixel = camera.rotation @ np.linalg.inv(camera.K)
    inv_z = away[kept] @ world_from_pixel / distance[kept, None]
    to_camera = camera.position - scene.corner[kept]
    forms = [inv_z]
    for edge in (scene.edge_s[kept], scene.edge_t[kept]):
        start = np.einsum("fi,fi->f", edge, to_camera)
        forms.append(start[:, None] * inv_z + edge @ world_from_pixel)
    return kept, distance[kept], np.stack(forms)


def _in_view(scene, camera):
    """Whether a face (F,) reaches into the view: False only if one side of it has all corners."""
    side_s, side_t = (
        edge * size[:, None] for edge, size in zip((scene.edge_s, scene.edge_t), scene.size.T)
    )
    start = scene.corner - camera.position
    corners = np.stack([start, start + side_s, start + side_t, start + side_s + side_t])
    x, y, z = np.moveaxis(corners @ (camera.K @ camera.rotation.T).T, -1, 0)
    # A pixel more than the image on each side.
    sides = (z, x + z, camera.width * z - x, y + z, camera.height * z - y)
    return np.all([(side > 0).any(axis=0) for side in sides], axis=0)


def _row_intervals(size, forms, height, width):
    """First and last column (n, H) of each face in each row; empty where first > last."""
    inv_z, s, t = forms
    rows = np.arange(height)
    first = np.full((len(size), height), -np.inf)
    last = np.full((len(size), height), np.inf)
    for side in (inv_z, s, size[:, :1] * inv_z - s, t, size[:, 1:] * inv_z - t):
        rest = side[:, 1:2] * rows + side[:, 2:]
        slope = side[:, :1]
        rising, falling, level = (np.flatnonzero(x) for x in (slope > 0, slope < 0, slope == 0))
        first[rising] = np.maximum(first[rising], -rest[rising] / slope[rising])
        last[falling] = np.minimum(last[falling], -rest[falling] / slope[falling])
        first[level] = np.where(rest[level] < 0, np.inf, first[level])
    # A hair's breadth of overlap, lest rounding leave a gap between two faces with a common edge.
    first = np.ceil(np.clip(first - 1e-7, 0, width)).astype(np.int32)
    last = np.floor(np.clip(last + 1e-7, -1, width - 1)).astype(np.int32)
    return first, last


def _nearest(size, forms, height, width):
    """The largest 1/z (H, W) float32 over all faces and which face has it (H, W), -1 for none."""
    first, last = _row_intervals(size, forms, height, width)
    inv_z = np.zeros((height, width), np.float32)
    which = np.full((height, width), -1, np.intp)
    columns, rows = np.arange(width, dtype=np.int32), np.arange(height)
    covers = first <= last
    seen = np.flatnonzero(covers.any(axis=1))
    top, bottom = covers.argmax(axis=1), height - covers[:, ::-1].argmax(axis=1)
    left = np.where(covers, first, width).min(axis=1)
    right = np.where(covers, last, -1).max(axis=1) + 1
    for index in seen:
        a, b, c = forms[0, index]
        box = slice(top[index], bottom[index]), slice(left[index], right[index])
        here = columns[box[1]]
        candidate = (b * rows[box[0]] + c).astype(np.float32)[:, None]
        candidate = (a * here).astype(np.float32) + candidate
        window = inv_z[box]
        closer = candidate > window
        closer &= here >= first[index, box[0], None]
        closer &= here <= last[index, box[0], None]
        np.copyto(window, candidate, where=closer)
        np.copyto(which[box], index, where=closer)
    return inv_z, which


def _rays(camera):
    """Length (H, W) of the rays with z = 1, and their upward part (H, W), float32."""
    pixel_to_ray = np.linalg.inv(camera.K)
    u, v = np.arange(camera.width), np.arange(camera.height)
    x = (pixel_to_ray[0, 0] * u + pixel_to_ray[0, 2]).astype(np.float32)
    y = (pixel_to_ray[1, 1] * v + pixel_to_ray[1, 2]).astype(np.float32)[:, None]
    row = camera.rotation[1].astype(np.float32)
    return np.sqrt(x * x + (y * y + 1)), -(row[0] * x + (row[1] * y + row[2]))


def _table(values):
    """A float32 look-up table with a last row of ones for the sky, which has index -1."""
    values = np.asarray(values, np.float32)
    return np.concatenate([values, np.ones_like(values, shape=(1, *values.shape[1:]))])


def _albedo(scene, kept, forms, local, z, cosine, camera, texture_seed):
    """Linear albedo (H, W, 3) uint8 of the faces' textures."""
    tile = scene.tile[kept]
    columns = np.arange(camera.width, dtype=np.float32)
    rows = np.arange(camera.height, dtype=np.float32)[:, None]
    place = []
    for axis in (0, 1):
        a, b, c = (_table(x / tile).take(local, mode="wrap") for x in forms[axis + 1].T)
        a *= columns
        b *= rows
        a += b
        a += c
        a *= z
        a += _table(scene.offset[kept, axis]).take(local, mode="wrap")
        place.append(a)
    # A pixel covers z / f metres across and z / (f cos) down the slope: their geometric mean.
    texels = _table(textures.SIZE / tile / camera.K[0, 0]).take(local, mode="wrap")
    level = np.log2(texels * z / np.sqrt(cosine))
    which = np.append(scene.texture[kept], 0).take(local, mode="wrap")
    return textures.sample(textures.atlas(texture_seed), which, *place, level)


def _shade(scene, kept, local, albedo, distance, cosine):
    """Linear RGB (H, W, 3) float32."""
    light = scene.light
    front = np.cross(scene.edge_t[kept], scene.edge_s[kept])
    sun = np.clip(front @ np.asarray(light.sun_direction), 0, None)
    gain = _table(light.ambient + light.sun * sun).take(local, mode="wrap")
    if light.lamp:
        fall = np.square(distance * np.float32(1 / light.lamp_range))
        gain += np.float32(light.lamp) * (np.float32(0.4) + np.float32(0.6) * cosine) / (1 + fall)
    rgb = _table(scene.tint[kept] / 255).take(local, axis=0, mode="wrap")
    rgb *= albedo
    rgb *= gain[..., None]
    if np.isfinite(light.haze_range):
        clear = np.exp(distance * np.float32(-1 / light.haze_range))[..., None]
        haze = np.asarray(light.horizon, np.float32)
        rgb = (rgb - haze) * clear + haze
    return rgb


def _sky(light, up):
    """Linear RGB (n, 3) of the sky by the sine (n,) of the height above the horizon."""
    share = np.clip(2 * up, 0, 1)[:, None]
    horizon, zenith = (np.asarray(x, np.float32) for x in (light.horizon, light.zenith))
    return horizon + (zenith - horizon) * share
