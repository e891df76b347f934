"""The depth files of the evaluation datasets: values by hand."""

import struct

import cv2
import h5py
import numpy as np
import pytest
from scipy.io import savemat

from midas.src.datasets.readers import (
    NyuFile,
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
    for value in (1, 255):
        write_png(tmp_path / "k.png", [[0, value]], np.uint16)
        with pytest.raises(InputError, match=f"k.png: its largest value is {value}, 8-bit depth"):
            read_kitti_depth(tmp_path / "k.png")
    write_png(tmp_path / "k.png", [[0, 256]], np.uint16)
    assert read_kitti_depth(tmp_path / "k.png")[0, 1] == 1


def test_full_size_eth3d_depth_beside_a_smaller_image(tmp_path):
    (tmp_path / "e.JPG").write_bytes(np.arange(4032 * 3, dtype="<f4").tobytes())
    depth = read_eth3d_depth(tmp_path / "e.JPG", 42, 63)
    assert depth.shape == (4032, 3) and depth[1, 0] == 3


def test_a_depth_of_one_pixel(tmp_path):
    (tmp_path / "s.dpt").write_bytes(struct.pack("<fiif", 202021.25, 1, 1, 7))
    assert read_dpt(tmp_path / "s.dpt").tolist() == [[7]]
    (tmp_path / "e.JPG").write_bytes(struct.pack("<f", 7))
    assert read_eth3d_depth(tmp_path / "e.JPG", 1, 1).tolist() == [[7]]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (struct.pack("<fi", 202021.25, 1), "no .dpt file"),
        (struct.pack("<fiif", 1.5, 1, 1, 7), "no .dpt file"),
        (struct.pack("<fii", 202021.25, 0, 1), "12 bytes do not hold 0 x 1 depths"),
        (struct.pack("<fii", 202021.25, 1, 0), "12 bytes do not hold 1 x 0 depths"),
        (struct.pack("<fiif", 202021.25, -1, -1, 7), "16 bytes do not hold -1 x -1 depths"),
        (struct.pack("<fiif", 202021.25, 1, 2, 7), "16 bytes do not hold 1 x 2 depths"),
    ],
)
def test_a_dpt_file_whose_size_does_not_fit_its_header_is_refused(data, message, tmp_path):
    (tmp_path / "s.dpt").write_bytes(data)
    with pytest.raises(InputError, match=f"s.dpt: .*{message}"):
        read_dpt(tmp_path / "s.dpt")


@pytest.mark.parametrize("size", [0, 4032 * 4 + 1, 4032 * 4 + 4, 4 * 5])
def test_eth3d_depth_of_another_size_than_its_image_is_refused(size, tmp_path):
    (tmp_path / "e.JPG").write_bytes(bytes(size))
    with pytest.raises(InputError, match=f"e.JPG: {size} bytes are not 2 x 3 float32 depths"):
        read_eth3d_depth(tmp_path / "e.JPG", 2, 3)


def test_a_file_that_is_not_there_is_named_with_the_reason(tmp_path):
    with pytest.raises(InputError, match="s.dpt: No such file.*Sintel's depth archive"):
        read_dpt(tmp_path / "s.dpt")


def test_the_table_of_diw_is_pairs_of_lines(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("a.thumb\n1,2,3,4,<,5,6\nb.thumb\n1,1,2,2,>,7,8\n")
    assert read_diw_table(path) == [
        ("a.thumb", (0, 1, 2, 3), "<", (5, 6)),
        ("b.thumb", (0, 0, 1, 1), ">", (7, 8)),
    ]
    for text, count in (("", 0), ("\n\n", 0), ("a.thumb\n", 1), ("a\n1,2,3,4,<,5,6\nb\n", 3)):
        path.write_text(text)
        with pytest.raises(InputError, match=f"{count} lines, expected pairs"):
            read_diw_table(path)


def diw_row(path, row):
    path.write_text(f"a.thumb\n{row}\n")
    return read_diw_table(path)[0][1:]


def test_the_points_of_diw_may_lie_in_the_corners(tmp_path):
    assert diw_row(tmp_path / "d.csv", "1,1,5,9,>,9,5") == ((0, 0, 4, 8), ">", (9, 5))
    for row in ("0,1,5,9", "1,0,5,9", "1,1,0,9", "1,1,5,0", "6,1,5,9", "1,10,5,9", "1,1,5,10"):
        with pytest.raises(InputError, match="line 2: .*points are within the image"):
            diw_row(tmp_path / "d.csv", f"{row},<,9,5")


def test_an_image_of_diw_has_at_most_64_mebipixels(tmp_path):
    """The prediction is resized to the size that the table tells."""
    assert diw_row(tmp_path / "d.csv", "1,2,3,4,<,16384,4096")[2] == (16384, 4096)
    with pytest.raises(InputError, match="line 2: an image of 16384 x 4097 pixels is damage"):
        diw_row(tmp_path / "d.csv", "1,2,3,4,<,16384,4097")


def nyu_file(folder, images, depths, test):
    """NyuFile of arrays, or of shapes that are declared without any value."""
    with h5py.File(folder / "nyu.mat", "w") as file:
        for key, values, dtype in (("images", images, "u1"), ("rawDepths", depths, "f4")):
            kind = "shape" if isinstance(values, tuple) else "data"
            file.create_dataset(key, dtype=dtype, **{kind: values})
    savemat(folder / "splits.mat", {"testNdxs": np.uint16(test)[:, None]})
    return NyuFile(folder / "nyu.mat", folder / "splits.mat")


def test_nyu_s_arrays_are_turned_to_rows_and_columns(tmp_path):
    """MATLAB's column-major arrays: (image, channel, column, row), counted from 1."""
    images = np.arange(2 * 3 * 5 * 4, dtype=np.uint8).reshape(2, 3, 5, 4)
    depths = np.arange(2 * 5 * 4, dtype=np.float32).reshape(2, 5, 4)
    file = nyu_file(tmp_path, images, depths, [2, 1])
    assert file.indices.tolist() == [1, 0]
    for number, index in enumerate([1, 0]):
        image, depth = file.load(number)
        assert image.shape == (4, 5, 3) and depth.shape == (4, 5)
        assert image.flags["C_CONTIGUOUS"] and depth.flags["C_CONTIGUOUS"]
        for row, column in ((0, 0), (3, 1), (2, 4)):
            assert image[row, column].tolist() == images[index, :, column, row].tolist()
            assert depth[row, column] == depths[index, column, row]


def test_the_test_images_of_nyu_are_among_its_images(tmp_path):
    for index in (0, 3):  # of two images, each with three channels
        with pytest.raises(InputError, match=r"testNdxs must be within 1\.\.2, the images"):
            nyu_file(tmp_path, (2, 3, 5, 4), (2, 5, 4), [1, index])
    with pytest.raises(InputError, match=r"testNdxs must be within 1\.\.2, the images"):
        nyu_file(tmp_path, (2, 3, 5, 4), (2, 5, 4), [])


@pytest.mark.parametrize(
    ("images", "depths"),
    [
        ((2, 3, 5, 4), (3, 5, 4)),
        ((2, 3, 5, 4), (2, 4, 5)),
        ((2, 4, 5, 4), (2, 5, 4)),
        ((2, 3, 5), (2, 5)),
        ((2, 3, 5, 4, 1), (2, 5, 4, 1)),
    ],
)
def test_images_that_do_not_fit_the_depths_of_nyu_are_refused(images, depths, tmp_path):
    with pytest.raises(InputError, match="nyu.mat: images .* do not fit rawDepths"):
        nyu_file(tmp_path, images, depths, [1])


def test_an_image_of_nyu_has_one_pixel_at_least_and_64_mebipixels_at_most(tmp_path):
    for width, height in ((1, 1), (4096, 16384), (16384, 4096)):
        assert len(nyu_file(tmp_path, (2, 3, width, height), (2, width, height), [1]).indices) == 1
    for width, height in ((0, 4), (4, 0), (4097, 16384), (16384, 4097)):
        with pytest.raises(InputError, match=rf"images \(2, 3, {width}, {height}\), damaged"):
            nyu_file(tmp_path, (2, 3, width, height), (2, width, height), [1])
