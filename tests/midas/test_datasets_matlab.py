"""MATLAB 5 files: the numbers beside what scipy writes, and damage built by hand."""

import struct
import zlib

import numpy as np
import pytest
from scipy.io import savemat

from midas.src.datasets.matlab import read_numbers

HEADER = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"
DOUBLE = 9


def element(kind, data):
    return struct.pack("<II", kind, len(data)) + data + bytes(-len(data) % 8)


def short(kind, data):
    """An element of at most four bytes, within its tag."""
    return struct.pack("<HH", kind, len(data)) + data.ljust(4, b"\0")


def matrix(values, rows=1, columns=2, name="x"):
    """The content of a variable: flags, dimensions, name, and an element of values."""
    flags, shape = element(6, bytes(8)), element(5, struct.pack("<ii", rows, columns))
    return flags + shape + short(1, name.encode()) + values


def write(path, content):
    path.write_bytes(HEADER + element(14, content))
    return path


def write_compressed(path, data):
    path.write_bytes(HEADER + struct.pack("<II", 15, len(data)) + data)
    return path


@pytest.mark.parametrize("is_compressed", [False, True])
@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "i4", "u4", "f4", "f8", "i8", "u8"])
def test_every_type_of_number_in_matlab_s_order(dtype, is_compressed, tmp_path):
    values = np.array([[1, 100, 3], [4, 5, 126]], dtype)
    variables = {"other": np.ones((3, 3)), "x": values, "a_longer_name": values + 1}
    savemat(tmp_path / "a.mat", variables, do_compression=is_compressed)
    for name, expected in variables.items():
        got = read_numbers(tmp_path / "a.mat", name)
        np.testing.assert_array_equal(got, expected.flatten("F"))
        assert got.dtype == expected.dtype


def test_a_last_value_within_its_tag_ends_the_file(tmp_path):
    path = write(tmp_path / "a.mat", matrix(short(4, struct.pack("<H", 7)), columns=1))
    assert read_numbers(path, "x").tolist() == [7]


def test_a_variable_that_is_not_there(tmp_path):
    savemat(tmp_path / "a.mat", {"xy": [1], "y": [1]})
    with pytest.raises(KeyError, match="x"):
        read_numbers(tmp_path / "a.mat", "x")


def test_a_variable_without_values_is_none(tmp_path):
    for path in (
        write(tmp_path / "a.mat", matrix(b"")),
        write_compressed(tmp_path / "b.mat", zlib.compress(b"")),
    ):
        with pytest.raises(KeyError, match="x"):
            read_numbers(path, "x")


@pytest.mark.parametrize("data", [b"", HEADER[:127], b"0" * 200, HEADER[:-2] + b"MI" + bytes(8)])
def test_what_has_no_header_is_refused(data, tmp_path):
    (tmp_path / "a.mat").write_bytes(data)
    with pytest.raises(ValueError, match="no MATLAB 5 file"):
        read_numbers(tmp_path / "a.mat", "x")


def test_text_is_no_numbers(tmp_path):
    savemat(tmp_path / "a.mat", {"x": "text"})
    with pytest.raises(ValueError, match="damaged, or no numbers: 4 bytes of type 16"):
        read_numbers(tmp_path / "a.mat", "x")


TWO = struct.pack("<dd", 1, 2)
LENGTHS = {
    "damaged, or no numbers: 12 bytes of type 9": matrix(element(DOUBLE, TWO[:12])),
    "2 numbers, expected 1x3": matrix(element(DOUBLE, TWO), columns=3),
    "2 numbers, expected 65536x65536": matrix(element(DOUBLE, TWO), 65536, 65536),
    "truncated or damaged: an element of 16 bytes at 40": matrix(element(DOUBLE, TWO)[:-8]),
    "truncated": matrix(element(DOUBLE, TWO) + b"1234567"),
    "an element of 5 bytes at 40": matrix(struct.pack("<HHi", 3, 5, 0) + TWO),
}


@pytest.mark.parametrize("message", LENGTHS)
def test_lengths_that_do_not_fit_are_refused(message, tmp_path):
    path = write(tmp_path / "a.mat", LENGTHS[message])
    with pytest.raises(ValueError, match=message):
        read_numbers(path, "x")


def test_a_damaged_compressed_variable_is_refused(tmp_path):
    path = write_compressed(tmp_path / "a.mat", b"no zlib data")
    with pytest.raises(ValueError, match="a compressed variable is damaged"):
        read_numbers(path, "x")


def test_a_compressed_variable_may_take_64_mebibytes(tmp_path):
    """65 kB of a damaged file may unpack to any size; its lists of images have a few kB."""

    def compressed(count):
        content = element(14, matrix(element(DOUBLE, bytes(8 * count)), columns=count))
        return len(content), write_compressed(tmp_path / "a.mat", zlib.compress(content, 1))

    overhead, _ = compressed(0)
    most = (2**26 - overhead) // 8
    assert len(read_numbers(compressed(most)[1], "x")) == most
    with pytest.raises(ValueError, match="truncated or damaged"):
        read_numbers(compressed(most + 1)[1], "x")
