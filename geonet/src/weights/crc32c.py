"""CRC-32C, the checksum in TensorFlow's files, at 1 GB/s and more.

A CRC is linear over the field of two elements, so parts of the data can be folded onto each other:
register(a + b) = register(a) advanced by the length of b, xor register(b). A register is uint32,
advancing it by a fixed length is two look-ups in tables of 65536 entries, and NumPy folds thousands
of registers at a time.
"""

import functools

import numpy as np

_POLYNOMIAL = 0x82F63B78  # Castagnoli's, bits reversed
_WORD = 4  # bytes of a register, and of a piece of the data
_LANES = 1 << 14  # registers that advance together: 64 kB, which stay in a processor's cache
_SMALL = 64  # bytes up to which a plain loop is faster
_MASK_DELTA = 0xA282EAD8


def masked_crc32c(data):
    """The CRC-32C of bytes in the form that TensorFlow stores.

    Args:
        data: bytes, or a contiguous array.
    Returns:
        int, 0 to 2^32 - 1: rotated by 15 bits plus a constant, as LevelDB does lest the checksum of
        data that hold checksums be weak.
    """
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + _MASK_DELTA) & 0xFFFFFFFF


def crc32c(data):
    """The CRC-32C of bytes or of a contiguous array: int, 0 to 2^32 - 1."""
    data = memoryview(data).cast("B")
    if len(data) <= _SMALL:
        register = 0xFFFFFFFF
        for byte in data:
            register = register >> 8 ^ _byte_table()[(register ^ byte) & 0xFF]
        return register ^ 0xFFFFFFFF
    words = _words(data)
    lanes = min(_LANES, 1 << (len(words) - 1).bit_length())
    return _advance(_columns(0), _folded(_stacked(words, lanes))) ^ 0xFFFFFFFF


def _words(data):
    """The data as uint32, the initial register xored in. Zeros in front do not change a CRC."""
    padding = -len(data) % _WORD
    if padding == 0:
        words = np.frombuffer(data, "<u4").copy()
        words[0] ^= 0xFFFFFFFF
        return words
    padded = np.zeros(padding + len(data), np.uint8)
    padded[padding:] = data
    padded[padding : padding + _WORD] ^= 0xFF
    return padded.view("<u4")


def _stacked(words, lanes):
    """One register per lane: rows of so many words, each folded onto the next."""
    first = len(words) % lanes
    registers = np.zeros(lanes, np.uint32)
    registers[lanes - first :] = words[:first]
    for start in range(first, len(words), lanes):
        registers = _shifted(registers, lanes)
        registers ^= words[start : start + lanes]
    return registers


def _folded(registers):
    """A power of two of registers in one; the first half is folded onto the second."""
    while (half := len(registers) // 2) > 0:
        registers = _shifted(registers[:half], half) ^ registers[half:]
    return int(registers[0])


def _shifted(registers, words):
    """Registers advanced by a power of two of words."""
    low, high = _tables(words.bit_length() - 1)
    halves = registers.view("<u2")
    # All indices are valid: "clip" only spares the check.
    shifted = np.take(low, halves[::2], mode="clip")
    shifted ^= np.take(high, halves[1::2], mode="clip")
    return shifted


@functools.cache
def _tables(power):
    """What 2^power words make of the low and of the high half of a register, (65536,) each."""
    return tuple(_table(_columns(power)[start : start + 16]) for start in (0, 16))


def _table(columns):
    """The xor of every subset of columns."""
    table = np.zeros(1, np.uint32)
    for column in columns:
        table = np.concatenate((table, table ^ np.uint32(column)))
    return table


@functools.cache
def _columns(power):
    """What 2^power words of zeros make of each bit of a register: 32 ints."""
    if power == 0:
        registers = [1 << bit for bit in range(32)]
        for _ in range(_WORD):
            registers = [r >> 8 ^ _byte_table()[r & 0xFF] for r in registers]
        return registers
    half = _columns(power - 1)
    return [_advance(half, column) for column in half]


def _advance(columns, register):
    """A register advanced by what columns are of."""
    advanced = 0
    for bit, column in enumerate(columns):
        if register >> bit & 1:
            advanced ^= column
    return advanced


@functools.cache
def _byte_table():
    """What one byte makes of a register."""
    table = list(range(256))
    for _ in range(8):
        table = [r >> 1 ^ _POLYNOMIAL * (r & 1) for r in table]
    return table
