"""Video that is not KITTI's: Cityscapes sequences, and footage of one's own.

cityscapes   leftImg8bit_sequence/<split>/<city>/<city>_<sequence>_<frame>_leftImg8bit.png,
             camera/<split>/<city>/<city>_<sequence>_000019_camera.json
footage      <name>/<frame>.jpg, <name>_right/<frame>.jpg, <name>.mp4, intrinsics.json,
             truth/<name>_{tum,kitti}.txt, truth/<name>_depth/<frame>.png (16 bits, 256 per metre)
"""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from tests.synthetic import kitti_text
from tests.synthetic.camera import Camera
from tests.synthetic.drives import drive
from tests.synthetic.files import Plan, quantized, write_image, write_text
from tests.synthetic.kitti_drives import METRES
from tests.synthetic.render import render
from tests.synthetic.rooms import room

CITIES = {"train": ("aachen", "bochum", "jena"), "val": ("frankfurt", "munster")}
CITY_SIZE = (1024, 2048)  # pixels
CITY_K = (2262.52, 2265.30, 1096.98, 513.137)  # fx fy cx cy at that size
CITY_BASELINE = 0.209313  # metres
CITY_RATE = 17.0  # frames per second; drives have 10
ANNOTATED = 19  # the frame that has labels, after which the camera file is named
BONNET = 0.86  # share of the rows above the car's own bonnet
VIDEO_RATE = 10.0  # frames per second of footage
FOOTAGE_BASELINE = 0.25  # metres


def plan_cityscapes(out, seed, train, val, frames, height):
    """Plan Cityscapes sequences: left images at 17 per second, and the camera of each sequence.

    Args:
        out: folder.
        seed: whole number.
        train: sequences in the split train.
        val: sequences in the split val.
        frames: of each sequence; the real ones have 30.
        height: pixels; images are twice as wide.

    Returns:
        Plan.
    """
    jobs = [
        (_write_city, (out, (seed, 40, order, index), split, index, frames, height))
        for order, (split, count) in enumerate((("train", train), ("val", val)))
        for index in range(count)
    ]
    return Plan(("leftImg8bit_sequence", "camera"), jobs)


def city_camera(height):
    """The intrinsics of Cityscapes's camera at some size.

    Args:
        height: pixels; images are twice as wide.

    Returns:
        (3, 3) float64, pixels.
    """
    scale = height / CITY_SIZE[0]
    fx, fy, cx, cy = CITY_K
    cx, cy = (cx + 0.5) * scale - 0.5, (cy + 0.5) * scale - 0.5
    return np.array([[fx * scale, 0, cx], [0, fy * scale, cy], [0, 0, 1]])


def _write_city(out, seed, split, index, frames, height):
    city = CITIES[split][index % len(CITIES[split])]
    stem = f"{split}/{city}/{city}_{index // len(CITIES[split]):06d}"
    stride = 10.0 / CITY_RATE
    scene, ego = drive(seed, METRES * frames * stride)
    K = city_camera(height)
    for number in range(frames):
        moment = number * stride
        camera = Camera(K, ego.pose(moment), height, 2 * height)
        image = _with_bonnet(render(scene, camera, time=moment).rgb)
        name = f"{stem}_{number:06d}_leftImg8bit.png"
        write_image(Path(out) / "leftImg8bit_sequence" / name, image)
    name = f"{stem}_{ANNOTATED:06d}_camera.json"
    return frames + write_text(Path(out) / "camera" / name, _city_json(K))


def _city_json(K):
    mounted = {"pitch": 0.0, "roll": 0.0, "x": 1.7, "y": 0.1, "yaw": 0.0, "z": 1.65}
    extrinsic = {"baseline": CITY_BASELINE, **mounted}
    intrinsic = {"fx": K[0, 0], "fy": K[1, 1], "u0": K[0, 2], "v0": K[1, 2]}
    return json.dumps({"extrinsic": extrinsic, "intrinsic": intrinsic}, indent=4) + "\n"


def _with_bonnet(rgb):
    """The image with the camera's own car at its lower edge."""
    height, width = rgb.shape[:2]
    v, u = np.mgrid[:height, :width]
    arch = BONNET + 0.08 * np.square(2 * u / width - 1)
    return np.where((v > arch * height)[..., None], np.uint8((40, 42, 46)), rgb)


def plan_footage(out, seed, videos, frames, height, width, world):
    """Plan footage as a user would bring it: image folders and videos, with true poses and depth.

    Args:
        out: folder.
        seed: whole number.
        videos: how many.
        frames: of each.
        height: pixels, an even number.
        width: pixels, an even number.
        world: "drive" or "room".

    Returns:
        Plan.
    """
    if height % 2 or width % 2:
        raise ValueError(f"{width}x{height}: videos need an even width and height")
    names = [f"{world}_{index}" for index in range(videos)]
    size = (height, width)
    jobs = [
        (_write_footage, (out, (seed, 41, index), name, world, frames, size))
        for index, name in enumerate(names)
    ]
    fx, fy, cx, cy = footage_camera(*size)[[0, 1, 0, 1], [0, 1, 2, 2]].tolist()
    camera = {"fx": fx, "fy": fy, "cx": cx, "cy": cy, "width": width, "height": height}
    text = json.dumps(camera, indent=1) + "\n"
    jobs.append((write_text, (Path(out) / "intrinsics.json", text)))
    entries = [f"{name}{end}" for name in names for end in ("", "_right", ".mp4")]
    return Plan((*entries, "intrinsics.json", "truth"), jobs)


def footage_camera(height, width):
    """The intrinsics of the user's camera: its axis does not go through the middle of the image.

    Args:
        height: pixels.
        width: pixels.

    Returns:
        (3, 3) float64, pixels.
    """
    f = 0.75 * width
    return np.array([[f, 0, 0.52 * width], [0, f, 0.47 * height], [0, 0, 1]])


def _write_footage(out, seed, name, world, frames, size):
    scene, path = drive(seed, METRES * frames) if world == "drive" else room(seed)
    K, out, poses = footage_camera(*size), Path(out), []
    out.mkdir(parents=True, exist_ok=True)
    codec = cv2.VideoWriter_fourcc(*"mp4v")
    video = cv2.VideoWriter(str(out / f"{name}.mp4"), codec, VIDEO_RATE, size[::-1])
    if not video.isOpened():
        raise OSError(f"{out / name}.mp4: this OpenCV cannot write MPEG-4 video")
    for number in range(frames):
        left = Camera(K, path.pose(number), *size)
        frame = render(scene, left, time=number)
        right = render(scene, left.shifted(FOOTAGE_BASELINE), time=number)
        write_image(out / name / f"{number:06d}.jpg", frame.rgb)
        write_image(out / f"{name}_right" / f"{number:06d}.jpg", right.rgb)
        depth = quantized(frame.depth, 256, np.uint16)
        write_image(out / "truth" / f"{name}_depth" / f"{number:06d}.png", depth)
        video.write(cv2.cvtColor(frame.rgb, cv2.COLOR_RGB2BGR))
        poses.append(left.world_from_camera)
    video.release()
    relative = np.linalg.inv(poses[0]) @ np.stack(poses)
    lines = kitti_text.tum_lines(relative, np.arange(frames) / VIDEO_RATE)
    write_text(out / "truth" / f"{name}_tum.txt", lines)
    write_text(out / "truth" / f"{name}_kitti.txt", kitti_text.pose_lines(np.stack(poses)))
    return 3 * frames + 3
