"""generate_multiview_extension.py: strips of KITTI 2015's scenes, on which flow is tested."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from ..model_utils.errors import InputError
from ..model_utils.files import write_bytes
from ..sfm_utils.intrinsics import intrinsics_of
from .command_line import Parser, check_width, frames_of_sample, run, whole
from .frames import ENDINGS, names_in
from .jobs import Progress
from .kitti import raw_camera
from .strips import camera_line, read_frame

LIST = "test_flow.txt"
SCENES = 200  # of the benchmark
TARGET = 10  # number of the frame with ground truth, of 0 to 20
LINE_EVERY = 50  # scenes
_TARGET_IMAGE = re.compile(rf"(\d{{6}})_{TARGET}\.(png|jpg|jpeg)", re.A)


def main(description: str, arguments: Sequence[str] | None = None) -> None:
    """Run the program.

    Args:
        description: for --help.
        arguments: those of the command line unless they are given.
    """
    run(lambda: generate(parse(description, arguments)))


def parse(description: str, arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The options, under the original's names."""
    parser = Parser(description)
    add = parser.add_argument
    add("--dataset_dir", type=Path, required=True, help="folder data_scene_flow_multiview")
    add("--calib_dir", type=Path, required=True, help="folder data_scene_flow_calib")
    add("--dump_root", type=Path, required=True, help="folder for the strips and their list")
    add("--cam_id", choices=("02", "03"), default="02", help="left or right colour camera (02)")
    add("--seq_length", type=frames_of_sample, default=3, help="frames of a strip, odd (3)")
    add("--img_height", type=whole(8), default=128, help="rows of each frame (128)")
    add("--img_width", type=whole(8), default=416, help="columns of each frame (416)")
    options = parser.parse_args(arguments)
    if options.seq_length > 2 * TARGET + 1:
        parser.error(f"argument --seq_length: a scene has {2 * TARGET + 1} frames")
    check_width(parser, options)
    return options


def generate(options: argparse.Namespace) -> None:
    """Write the strip and the camera file of every scene that is there, and their list.

    Args:
        options: of `parse`.
    Raises:
        InputError: no scene, or an image or a calibration is missing or damaged.
    """
    images = options.dataset_dir / "training" / f"image_{int(options.cam_id)}"
    scenes = [match[1] for match in map(_TARGET_IMAGE.fullmatch, names_in(images)) if match]
    scenes = sorted(set(scenes))
    if not scenes:
        raise InputError(f"{images} holds no 000000_{TARGET}.png; check --dataset_dir")
    print(f"{len(scenes)} scenes of the benchmark's {SCENES}")
    folder = f"sub_folder_{options.cam_id}"
    progress, files = Progress(len(scenes), "scenes", LINE_EVERY), {}
    for scene in scenes:
        data, camera = _strip(images, scene, options)
        files.update({f"{folder}/{scene}.jpg": data, f"{folder}/{scene}_cam.txt": camera})
        progress.add(1)
    progress.close()
    files[LIST] = "".join(f"{folder} {scene}\n" for scene in scenes).encode()
    for name, data in files.items():  # all of them, 20 MB, once no input is left to fail
        write_bytes(options.dump_root / name, data)
    print(f"{options.dump_root / LIST}: {len(scenes)} strips of {options.seq_length} frames")


def _strip(images, scene, options):
    """(JPEG, camera file) of a scene, bytes; resized by OpenCV as in the original."""
    half, height, width = options.seq_length // 2, options.img_height, options.img_width
    calibration = options.calib_dir / "training" / "calib_cam_to_cam" / f"{scene}.txt"
    projection, size = raw_camera(calibration, int(options.cam_id))
    paths = [_image(images, f"{scene}_{TARGET + shift:02d}") for shift in range(-half, half + 1)]
    frames = [read_frame(path) for path in paths]
    resized = [cv2.resize(frame, (width, height)) for frame in frames]
    camera = intrinsics_of(projection, *(size or frames[half].shape[:2])).resized(height, width)
    strip = cv2.cvtColor(np.hstack(resized), cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", strip)[1].tobytes(), camera_line(camera).encode()


def _image(folder, stem):
    """The image of that name, whatever its ending; one that is missing is named as the .png."""
    paths = [folder / f"{stem}{ending}" for ending in ENDINGS]
    return next((path for path in paths if path.is_file()), paths[0])
