"""The original's lists of test data, which are rules here, by the facts that are known of them."""

import hashlib
import json

import pytest

from geonet.src.preparation.scenes import drives_of_test_set
from geonet.src.sfm_utils.eigen import eigen_test_frames
from tests.golden_files import golden_dir

SCENES = 200  # of the stereo benchmark
FACTS = json.loads((golden_dir("monodepth2") / "splits_facts.json").read_text())
FILES = FACTS["geonet_files"]


def check_text(name, lines):
    """A list whose order a rule tells is the original's to the byte."""
    text = "".join(f"{line}\n" for line in lines)
    assert hashlib.sha256(text.encode()).hexdigest() == FILES[name]["text_sha256"]


def test_scenes_of_the_stereo_split():
    drives = sorted(drive.removesuffix("_sync") for drive in drives_of_test_set("stereo"))
    assert len(drives) == FILES["test_scenes_stereo.txt"]["lines"]
    check_text("test_scenes_stereo.txt", drives)


def test_images_of_the_stereo_split():
    assert FILES["test_files_stereo.txt"]["lines"] == SCENES
    names = [f"training/image_2/{number:06d}_10.png" for number in range(SCENES)]
    check_text("test_files_stereo.txt", names)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("test_scenes_eigen.txt", lambda: drives_of_test_set("eigen")),
        ("test_files_eigen.txt", eigen_test_frames),
    ],
)
def test_lists_without_an_order_have_as_many_lines_and_bytes(name, found):
    lines = found()
    assert len(lines) == len(set(lines)) == FILES[name]["lines"]
    texts = [
        line.removesuffix("_sync")
        if isinstance(line, str)
        else f"{line.folder}/image_02/data/{line.index:010d}.png"
        for line in lines
    ]
    assert sum(len(text) + 1 for text in texts) == FILES[name]["bytes"]


def test_the_eigen_list_of_monodepth2_serves_as_well():
    """Where the user has no list of GeoNet's, eval.py takes Monodepth2's."""
    assert FACTS["geonet_eigen_same_order_as_monodepth2"] is True
