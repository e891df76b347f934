"""Small rendered data sets that several tests of GeoNet read (none writes to them)."""

import shutil

import numpy as np
import pytest
from PIL import Image

from tests.synthetic.__main__ import main
from tests.warm import WarmProgram

SMALL = 64, 128  # pixels, height and width of a frame of `small_strips`


@pytest.fixture(scope="session")
def strips(tmp_path_factory):
    """The Ascend port's tree, stageone/: train/ with strips of 3 frames of 128x416 (18 to train on,
    2 to validate on), test/sequences/09 of 12 frames, eval/09_snippets."""
    out = tmp_path_factory.mktemp("geonet")
    flags = "--sequences 2 --test 1 --frames 12 --height 64 --workers 1"
    main(["geonet", str(out), *flags.split()])
    return out / "stageone"


@pytest.fixture(scope="session")
def small_strips(strips, tmp_path_factory):
    """The folder `strips`/train with frames of 64x128 pixels, for what compiles networks."""
    out = tmp_path_factory.mktemp("small") / "train"
    shutil.copytree(strips / "train", out)
    for path in out.glob("*/*.jpg"):
        _shrink(path)
    return out


@pytest.fixture(scope="session")
def video(tmp_path_factory):
    """Three drives of 20 frames, png, in which the car stands for a while: raw/ (that of 2011_09_28
    is in both test sets), odometry/ (00, 01 and 09), stageone/train (strips of 00 and 01)."""
    out = tmp_path_factory.mktemp("video")
    flags = "--drives 2 --test 1 --frames 20 --height 48 --laser 0 --workers 1"
    main(["kitti_video", str(out), *flags.split()])
    return out


@pytest.fixture(scope="session")
def city(tmp_path_factory):
    """Cityscapes: aachen_000000 and bochum_000000 of 7 frames of 128x64 in the split train."""
    out = tmp_path_factory.mktemp("city")
    flags = "--train 2 --val 1 --frames 7 --height 64 --workers 1"
    main(["cityscapes", str(out), *flags.split()])
    return out


@pytest.fixture(scope="session")
def footage(tmp_path_factory):
    """One drive of 6 frames, 96x64: drive_0/, drive_0_right/, drive_0.mp4, intrinsics.json."""
    out = tmp_path_factory.mktemp("footage")
    flags = "--videos 1 --frames 6 --height 64 --width 96 --workers 1"
    main(["footage", str(out), *flags.split()])
    return out


def _shrink(path):
    """Resize a strip's frames to `SMALL`, and its camera with them."""
    height, width = SMALL
    with Image.open(path) as strip:
        count, frame = 3, (strip.width // 3, strip.height)
        small = strip.resize((count * width, height), Image.Resampling.BOX)
    small.save(path, quality=95)
    camera = path.with_name(f"{path.stem}_cam.txt")
    K = np.float64(camera.read_text().split(",")).reshape(3, 3)
    K[:2] *= [[width / frame[0]], [height / frame[1]]]
    camera.write_text(",".join(map(str, K.ravel().tolist())))


@pytest.fixture(scope="module")
def warm(program):
    """The model's folder, whose short runs are forks of a process that has imported MindSpore."""
    warm = WarmProgram(program("geonet").folder)
    yield warm
    warm.close()
