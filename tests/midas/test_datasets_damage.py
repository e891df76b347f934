"""A table of what can be wrong with the files of an evaluation dataset."""

import struct

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from midas.src.datasets.zero_shot import DATASETS, PROTOCOLS
from midas.src.model_utils.errors import InputError
from tests.midas.eval_trees import (
    DIW_IMAGE,
    DIW_TABLE,
    ETH3D_DEPTH,
    ETH3D_IMAGE,
    IMAGE_8,
    KITTI_DEPTH,
    KITTI_IMAGE,
    NYU,
    OCCLUSION,
    SINTEL_DEPTH,
    SPLITS,
    TUM_DEPTH,
    TUM_TABLE,
    add,
    diw,
    first,
    root_of,
    write_png,
)

STANDARD, MODELZOO = PROTOCOLS["standard"], PROTOCOLS["modelzoo"]


def cut(path, count=7):
    path.write_bytes(path.read_bytes()[:-count])


def replace(path, **keys):
    """nyu.mat with other keys; None deletes."""
    with h5py.File(path, "a") as file:
        for key, value in keys.items():
            del file[key]
            if value is not None:
                file[key] = value


def dpt(path, header):
    path.write_bytes(struct.pack("<fii", *header) + path.read_bytes()[12:])


def png(values, dtype):
    return lambda path: write_png(path, values, dtype)


EMPTY_DPT = struct.pack("<fiifii", 202021.25, 0, 1, 202021.25, 1, 0)

# dataset, file that is damaged, what is done to it, what the error says beside the file's name
BAD = [
    ("Kitti", KITTI_IMAGE, cut, "truncated, or not an image"),
    ("Kitti", KITTI_IMAGE, lambda p: p.write_text("x"), "not an image"),
    ("Kitti", KITTI_DEPTH, lambda p: p.unlink(), "missing, it belongs to .*image.*deal.py"),
    ("Kitti", KITTI_DEPTH, png(IMAGE_8, np.uint8), "16 bits x 1.*got 8 x 1"),
    ("Kitti", KITTI_DEPTH, png(IMAGE_8, np.uint16), "largest value is 200"),
    ("Kitti", KITTI_DEPTH, png(IMAGE_8 * 9, np.uint16), "differ in size: 130x40"),
    ("TUM", TUM_TABLE, add("rgb/no.png depth/no.png\n"), "line 3: .*no.png is missing"),
    ("TUM", TUM_TABLE, add("1.0 rgb/a 1.0 d/a\n"), "line 3: expected `image depth`"),
    ("TUM", TUM_TABLE, lambda p: p.write_text(""), "no TUM images there.*associate.txt"),
    ("TUM", TUM_DEPTH, png(IMAGE_8, np.uint8), "16 bits x 1.*got 8 x 1"),
    ("TUM", TUM_DEPTH, png(IMAGE_8[:9], np.uint16), "differ in size: 64x48 and 64x9"),
    ("Sintel", SINTEL_DEPTH, cut, "truncated or damaged, 18309 bytes"),
    ("Sintel", SINTEL_DEPTH, lambda p: p.write_bytes(b"PIEH"), "tag is not 202021.25"),
    ("Sintel", SINTEL_DEPTH, lambda p: dpt(p, (1.5, 104, 44)), "tag is not 202021.25"),
    ("Sintel", SINTEL_DEPTH, lambda p: dpt(p, (202021.25, -104, 44)), "do not hold -104 x 44"),
    ("Sintel", SINTEL_DEPTH, lambda p: dpt(p, (202021.25, 44, 104)), "differ in size"),
    ("Sintel", SINTEL_DEPTH, lambda p: p.write_bytes(EMPTY_DPT[:12]), "do not hold 0 x 1"),
    ("Sintel", SINTEL_DEPTH, lambda p: p.write_bytes(EMPTY_DPT[12:]), "do not hold 1 x 0"),
    ("Sintel", SINTEL_DEPTH, lambda p: p.unlink(), "missing, it belongs to"),
    ("Sintel", OCCLUSION, lambda p: p.unlink(), "missing, it belongs to"),
    ("Sintel", OCCLUSION, png(IMAGE_8, np.uint8), "differ in size"),
    ("Sintel", OCCLUSION, png(IMAGE_8, np.uint16), "8 bits x 1.*got 16 x 1"),
    ("ETH3D", ETH3D_IMAGE, cut, "truncated, or not an image"),
    ("ETH3D", ETH3D_IMAGE, lambda p: p.write_bytes(b""), "not an image"),
    ("ETH3D", ETH3D_DEPTH, cut, "32249 bytes are not 42 x 63 float32"),
    ("ETH3D", ETH3D_DEPTH, lambda p: cut(p, 4), "32252 bytes are not 42 x 63 float32"),
    ("ETH3D", ETH3D_DEPTH, lambda p: p.unlink(), "missing, it belongs to"),
    ("DIW", DIW_TABLE, diw("7,43,31"), "line 22: '7,43,31' is not"),
    ("DIW", DIW_TABLE, diw("7,x,1,4,<,6,9"), "line 22"),
    ("DIW", DIW_TABLE, diw("7,3,1,4,=,6,9"), "relation is < or >"),
    ("DIW", DIW_TABLE, diw("7,7,1,4,<,6,9"), "within the image"),
    ("DIW", DIW_TABLE, diw("0,3,1,4,<,6,9"), "within the image"),
    ("DIW", DIW_TABLE, add("./DIW_test/img0.thumb\n"), "21 lines, expected pairs"),
    ("DIW", DIW_TABLE, lambda p: p.unlink(), "No such file.*DIW_test.csv of DIW_Annotations"),
    ("DIW", DIW_IMAGE, lambda p: p.write_bytes(b"GIF"), "not an image"),
    ("NYU", NYU, cut, "nyu.mat: .*nyu_depth_v2_labeled.mat"),
    ("NYU", NYU, lambda p: p.write_bytes(b"MATLAB 5.0"), "nyu.mat: .*nyu_depth_v2_labeled.mat"),
    ("NYU", NYU, lambda p: replace(p, images=None), "no key images"),
    ("NYU", NYU, lambda p: replace(p, rawDepths=None), "no key rawDepths"),
    ("NYU", NYU, lambda p: replace(p, rawDepths=np.ones((3, 64, 47))), "do not fit rawDepths"),
    ("NYU", SPLITS, lambda p: savemat(p, {"other": [1]}), "no key testNdxs"),
    ("NYU", SPLITS, lambda p: savemat(p, {"testNdxs": [[4]]}), "must be within 1..3"),
    ("NYU", SPLITS, lambda p: savemat(p, {"testNdxs": [[0]]}), "must be within 1..3"),
    ("NYU", SPLITS, lambda p: p.write_bytes(b"hello"), "splits.mat: cannot be read"),
    ("NYU", SPLITS, lambda p: p.write_bytes(b""), "splits.mat: cannot be read"),
]  # fmt: skip


@pytest.mark.parametrize("protocol", [STANDARD, MODELZOO], ids=["standard", "modelzoo"])
@pytest.mark.parametrize(("name", "pattern", "harm", "message"), BAD)
def test_bad_input_is_one_line_that_names_the_file(tree, name, pattern, harm, message, protocol):
    path = first(tree, pattern)
    harm(path)

    def read_all():
        dataset = DATASETS[name](root_of(tree, name), protocol)
        for index in range(len(dataset)):
            dataset.load(index)

    with pytest.raises(InputError, match=message) as caught:
        read_all()
    text = str(caught.value)
    assert "\n" not in text
    assert path.name in text
