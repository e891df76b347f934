"""What GeoNet reads."""

import numpy as np
from PIL import Image

from geonet.src.datasets import open_strips
from geonet.src.model_utils import errors
from tests.fuzz.children import Reader
from tests.fuzz.image_readers import photo

ERRORS = (errors.InputError, errors.RunError)


def _write_strips(folder):
    """Two strips to train on and one to validate on."""
    (folder / "00").mkdir()
    for number in range(3):
        strip = np.concatenate([photo(number + place) for place in range(3)], axis=1)
        Image.fromarray(strip).save(folder / "00" / f"{number:06d}.jpg")
        text = "60.5,0.,27.25,0.,61.,19.5,0.,0.,1."
        (folder / "00" / f"{number:06d}_cam.txt").write_text(text)
    (folder / "train.txt").write_text("00 000000\n00 000001\n")
    (folder / "val.txt").write_text("00 000002\n")


def _train(folder, file):
    height, width = photo(0).shape[:2]
    size = {"img_height": height, "img_width": width, "seq_length": 3}
    train, val = open_strips(folder, **size, workers=1)
    rng = np.random.default_rng(0)
    for index in range(len(train)):
        train.load(index, rng, train.draw_batch(rng))
    for index in range(len(val or ())):
        val.load(index)


READERS = {
    "strips to train on": Reader(
        _write_strips, ("*.txt", "00/*.jpg", "00/*_cam.txt"), _train, ERRORS
    ),
}
