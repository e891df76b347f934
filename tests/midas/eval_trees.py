"""The goldens' evaluation trees: where their files are, and ways to change a copy of them."""

import cv2
import numpy as np

from tests.conftest import REPOSITORY

# Not $GOLDEN_DIR: the sizes in the messages below are those of these files.
TREE = REPOSITORY / "tests" / "golden" / "midas" / "eval_tree"
FOLDERS = {
    "Kitti": "Kitti_raw_data",
    "Sintel": "sintel",
    "TUM": "TUM",
    "DIW": "DIW",
    "ETH3D": "ETH3D",
    "NYU": "NYU",
}


def write_png(path, values, dtype):
    assert cv2.imwrite(str(path), np.asarray(values, dtype))


def root_of(tree, name):
    folder = tree / FOLDERS[name]
    return [folder / "nyu.mat", folder / "splits.mat"] if name == "NYU" else folder


def first(tree, pattern):
    return sorted(tree.glob(pattern))[0]


def add(text):
    """Append lines to a table."""
    return lambda path: path.write_text(path.read_text() + text)


def diw(row):
    return add(f"./DIW_test/img0.thumb\n{row}\n")


KITTI_IMAGE, KITTI_DEPTH = "Kitti_raw_data/*/image/*.png", "Kitti_raw_data/*/depth/*.png"
TUM_TABLE, TUM_DEPTH = "TUM/*/associate.txt", "TUM/*/depth/*.png"
SINTEL_DEPTH, OCCLUSION = "sintel/depth/*/*.dpt", "sintel/occlusions/*/*.png"
ETH3D_IMAGE, ETH3D_DEPTH = "ETH3D/*/images/*/*.JPG", "ETH3D/*/ground*/*/*.JPG"
DIW_TABLE, DIW_IMAGE = "DIW/*/DIW_test.csv", "DIW/DIW_test/*.thumb"
NYU, SPLITS = "NYU/nyu.mat", "NYU/splits.mat"
IMAGE_8 = np.full((48, 64), 200)
