"""The program's resizing is Pillow's, bit for bit, over random sizes."""

import json
import os
import subprocess

import numpy as np
import PIL
from PIL import Image

from tests.ascend310_infer.make_expected import PILLOW

CASES = 60
# Pillow 13 resizes the height first where it shrinks by more than twice what the width does.
HEIGHT_FIRST = int(PIL.__version__.split(".")[0]) >= 13


def _sizes(rng):
    """Photo and target; a third of the targets keep one side."""
    height, width, high, wide = (int(side) for side in rng.integers(1, 70, 4))
    return (height, width), ((high, wide), (height, wide), (high, width))[int(rng.integers(3))]


def _versions_agree(photo, size):
    less_height, less_width = photo[0] - size[0], photo[1] - size[1]
    return not (less_height > 0 and less_height > 2 * less_width and less_width)


def test_random_sizes(build, tmp_path):
    rng, cases = np.random.default_rng(20), []
    while len(cases) < CASES * len(PILLOW):
        photo, size = _sizes(rng)
        if not HEIGHT_FIRST and not _versions_agree(photo, size):
            continue
        pixels = rng.integers(0, 256, (*photo, 3), dtype=np.uint8)
        for name, kind in PILLOW.items():
            values = np.asarray(Image.fromarray(pixels).resize(size[::-1], kind))
            case = {"photo": list(photo), "size": list(size), "bgr": pixels.ravel().tolist()}
            cases.append({**case, "interpolation": name, "values": values.ravel().tolist()})
    path = tmp_path / "cases.json"
    path.write_text(json.dumps(cases))
    command = [str(build / "tests" / "unit_tests"), "-tc=Pillow*"]
    environment = {**os.environ, "PILLOW_CASES": str(path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]
    assert f"compared {24 + len(cases)} images" in done.stdout
