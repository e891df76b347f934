"""The checksum of TensorFlow's files: published values, and the definition at every length."""

import numpy as np
import pytest

from geonet.src.weights.crc32c import crc32c, masked_crc32c
from tests.geonet.tf_files import slow_crc32c

# RFC 3720, B.4; "123456789" is the check value of the catalogues.
KNOWN = {
    bytes(32): 0x8A9136AA,
    b"\xff" * 32: 0x62A8AB43,
    bytes(range(32)): 0x46DD794E,
    bytes(range(31, -1, -1)): 0x113FDB5C,
    b"123456789": 0xE3069283,
    b"": 0,
}


@pytest.mark.parametrize("data", KNOWN, ids=range(len(KNOWN)))
def test_published_values(data):
    assert crc32c(data) == slow_crc32c(data) == KNOWN[data]


def test_a_mask_rotates_by_15_bits_and_adds_a_constant():
    # 0xE3069283 >> 15 is 0x1C60D, its low 15 bits are 0x1283.
    assert masked_crc32c(b"123456789") == (0x25060000 + 0x1C60D + 0xA282EAD8) % 2**32


# Around the plain loop, one register per word, full lanes (65536 bytes) and a rest before them.
LENGTHS = [*range(60, 150), 255, 256, 257, 65_535, 65_536, 65_537, 65_540, 131_072, 200_003]


def test_the_definition_at_every_kind_of_length():
    data = np.random.default_rng(0).bytes(max(LENGTHS))
    for length in LENGTHS:
        assert crc32c(data[:length]) == slow_crc32c(data[:length]), length


def test_an_array_is_its_bytes():
    array = np.arange(1000, dtype=np.float32).reshape(10, 100)
    assert crc32c(array) == slow_crc32c(array.tobytes())


def test_each_flipped_bit_changes_it():
    data = bytearray(np.random.default_rng(0).bytes(100_000))
    before = crc32c(data)
    for place in (0, 1, 34_463, 34_464, 99_999):
        data[place] ^= 16
        assert crc32c(data) != before
        data[place] ^= 16
    assert crc32c(data) == before
