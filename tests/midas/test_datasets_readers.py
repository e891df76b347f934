"""The depth files of the evaluation datasets: values by hand."""

import struct

import cv2
import numpy as np
import pytest

from midas.src.datasets.readers import (
    read_diw_table,
    read_dpt,
    read_eth3d_depth,
    read_kitti_depth,
    read_tum_depth,
)
from midas.src.model_utils.errors import InputError


def write_png(path, values, dtype):
    assert cv2.imwrite(str(path), np.asarray(values, dtype))


def test_values_by_hand(tmp_path):
    write_png(tmp_path / "k.png", [[0, 256, 384, 20480, 1]], np.uint16)
    np.testing.assert_array_equal(read_kitti_depth(tmp_path / "k.png"), [[-1, 1, 1.5, 80, 1 / 256]])
    write_png(tmp_path / "t.png", [[0, 5000, 12500, 511]], np.uint16)
    np.testing.assert_array_equal(read_tum_depth(tmp_path / "t.png"), [[0, 1, 2.5, 0.1022]])
    wrong = read_tum_depth(tmp_path / "t.png", as_8_bit=True)
    np.testing.assert_array_equal(wrong, [[0, 19 / 5000, 48 / 5000, 1 / 5000]])
    data = struct.pack("<fii6f", 202021.25, 3, 2, *range(6))
    (tmp_path / "s.dpt").write_bytes(data)
    np.testing.assert_array_equal(read_dpt(tmp_path / "s.dpt"), [[0, 1, 2], [3, 4, 5]])
    (tmp_path / "e.JPG").write_bytes(struct.pack("<6f", 1, 2, 3, 4, 5, np.inf))
    depth = read_eth3d_depth(tmp_path / "e.JPG", 3, 2)
    np.testing.assert_array_equal(depth, [[1, 2], [3, 4], [5, np.inf]])
    (tmp_path / "d.csv").write_text("./DIW_test/a.thumb\n1,2,3,4,<,5,6\n\n")
    assert read_diw_table(tmp_path / "d.csv") == [("./DIW_test/a.thumb", (0, 1, 2, 3), "<", (5, 6))]


def test_an_empty_kitti_map_is_no_mistake(tmp_path):
    write_png(tmp_path / "k.png", np.zeros((2, 2)), np.uint16)
    assert (read_kitti_depth(tmp_path / "k.png") == -1).all()


def test_eight_bit_values_are_no_kitti_depth(tmp_path):
    write_png(tmp_path / "k.png", [[0, 255]], np.uint16)
    with pytest.raises(InputError, match="k.png: its largest value is 255, 8-bit depth"):
        read_kitti_depth(tmp_path / "k.png")
    write_png(tmp_path / "k.png", [[0, 256]], np.uint16)
    assert read_kitti_depth(tmp_path / "k.png")[0, 1] == 1


def test_full_size_eth3d_depth_beside_a_smaller_image(tmp_path):
    (tmp_path / "e.JPG").write_bytes(np.arange(4032 * 3, dtype="<f4").tobytes())
    depth = read_eth3d_depth(tmp_path / "e.JPG", 42, 63)
    assert depth.shape == (4032, 3) and depth[1, 0] == 3
