"""Seeded damage to the bytes of a file."""

import re
import zlib

import numpy as np

_HEADER = 128  # bytes at either end in which most formats keep their sizes and offsets
_NUMBERS = (0, 1, 2, 127, 255, 65535, 2**31 - 1, 2**31, 2**32 - 1, 2**62, 2**63 - 1, 2**64 - 1)
WIDE = 2**20 + 1  # pixels: OpenCV raises where other damage makes it return nothing
LARGE = 32_767  # a side of a square image that OpenCV still takes, 3.2 GB of it
_PORTABLE = re.compile(rb"^(P[56f]\n)\d+ \d+\n")  # the beginning of a PPM, PGM or PFM
_FRAME = re.compile(rb"\xff[\xc0\xc2]\x00[\x08-\x14]\x08")  # of a JPEG; the sides come next
_TEXTS = (b"0", b"-1", b"99999999999", b"9" * 400, b"1e999", b"nan", b"inf", b'"', b"[", b"\x00")
# The beginnings of other formats, and what a reader may be given by mistake.
_STRANGERS = {
    "a JPEG's beginning": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01" + bytes(200),
    "a PNG's beginning": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(100),
    "an HDF5 file's beginning": b"\x89HDF\r\n\x1a\n" + bytes(500),
    "a zip's beginning": b"PK\x03\x04\x14\x00\x00\x00" + bytes(100),
    "a pickle": b"\x80\x02}q\x00X\x01\x00\x00\x00aq\x01K\x01s.",
    "a deep list": b"[" * 200_000,
    "a deep mapping": b'{"a":' * 20_000,
    "a long line": b"a" * 300_000,
    "noise": np.random.default_rng(0).bytes(3000),
    "zeros": bytes(3000),
    "a text": b"The file was not found on this server.\n" * 20,
    "not UTF-8": b"\xff\xfe\x80 1 2 3\n" * 20,
    "an empty mapping": b"{}",
    "a number": b"5\n",
}


def _place(rng, size):
    """An offset; every second one lies near the beginning or the end."""
    span = min(size, _HEADER)
    return int(
        (
            lambda: rng.integers(size),
            lambda: rng.integers(size),
            lambda: rng.integers(span),
            lambda: size - 1 - rng.integers(span),
        )[rng.integers(4)]()
    )


def _block(rng, size):
    """(begin, end) of up to 64 bytes, now and then of a quarter of the file."""
    start = _place(rng, size)
    length = rng.integers(1, max(2, size // 4)) if rng.random() < 0.2 else rng.integers(1, 65)
    return start, min(size, start + int(length))


def _truncate(rng, data):
    end = _place(rng, len(data))
    return data[:end], f"cut after {end} bytes"


def _flip(rng, data):
    changed, places = bytearray(data), [_place(rng, len(data)) for _ in range(rng.integers(1, 9))]
    for place in places:
        changed[place] ^= 1 << int(rng.integers(8))
    return bytes(changed), f"bits flipped in bytes {places}"


def _insert(rng, data):
    place, extra = _place(rng, len(data)), rng.bytes(int(rng.integers(1, 65)))
    return data[:place] + extra + data[place:], f"{len(extra)} bytes put in at {place}"


def _delete(rng, data):
    start, end = _block(rng, len(data))
    return data[:start] + data[end:], f"bytes {start}..{end} left out"


def _duplicate(rng, data):
    start, end = _block(rng, len(data))
    return data[:end] + data[start:end] + data[end:], f"bytes {start}..{end} twice"


def _overwrite(rng, data):
    (start, end), value = _block(rng, len(data)), bytes([(0, 255)[rng.integers(2)]])
    return data[:start] + value * (end - start) + data[end:], f"{value} over {start}..{end}"


def _swap(rng, data):
    (a, b), (c, d) = sorted((_block(rng, len(data)), _block(rng, len(data))))
    c, d = max(b, c), max(b, d)
    swapped = data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:]
    return swapped, f"{a}..{b} and {c}..{d} swapped"


def _number(rng, data):
    """An odd number of 1, 2, 4 or 8 bytes over whatever is there."""
    width, order = (1, 2, 4, 8)[rng.integers(4)], ("little", "big")[rng.integers(2)]
    value = int(_NUMBERS[rng.integers(len(_NUMBERS))]) % 256**width
    place = _place(rng, len(data))
    changed = data[:place] + value.to_bytes(width, order) + data[place + width :]
    return changed, f"{value} ({width} bytes, {order}) over {place}"


def _text_number(rng, data):
    """An odd number in place of one that is written in digits."""
    found = list(re.finditer(rb"-?\d+(\.\d+)?", data[:20000]))
    if not found:
        return _number(rng, data)
    match, text = found[rng.integers(len(found))], _TEXTS[rng.integers(len(_TEXTS))]
    changed = data[: match.start()] + text + data[match.end() :]
    return changed, f"{text[:20]} for the number at {match.start()}"


def _image_size(rng, data):
    """An odd size in a PNG (its checksum made right) or a JPEG, where decoders believe it."""
    if data[:4] == b"\x89PNG" and len(data) > 33:
        width = (1, 5_000, 20_000, 2**31 - 1)[rng.integers(4)]
        return _png_width(data, width), f"width {width}"
    if data[:2] == b"\xff\xd8" and _FRAME.search(data):
        side = (1, 5_000, 20_000, LARGE)[rng.integers(4)]
        return _jpeg_sides(data, side), f"both sides {side}"
    return _number(rng, data)


def _png_width(data, width):
    header = data[12:16] + width.to_bytes(4, "big") + data[20:29]
    return data[:12] + header + zlib.crc32(header).to_bytes(4, "big") + data[33:]


def _jpeg_sides(data, side):
    end = _FRAME.search(data).end()
    return data[:end] + side.to_bytes(2, "big") * 2 + data[end + 4 :]


def classic(data, number):
    """Damage that is known to have hurt, tried whatever the seed is; None: no more of it.

    Args:
        data: bytes.
        number: 0, 1, ...
    Returns:
        (bytes, what was done in words).
    """
    if number == 0:
        return b"", "emptied"
    if number == 2:
        return _STRANGERS["a deep list"], "a deep list"
    if number == 1 and _PORTABLE.match(data):
        return _PORTABLE.sub(b"\\g<1>%d 40\n" % WIDE, data), f"width {WIDE}"
    if number == 1 and _FRAME.search(data):
        return _jpeg_sides(data, LARGE), f"both sides {LARGE}"
    return None


def _stranger(rng, data):
    name = sorted(_STRANGERS)[rng.integers(len(_STRANGERS))]
    return _STRANGERS[name], name


KINDS = (
    _truncate,
    _flip,
    _insert,
    _delete,
    _duplicate,
    _overwrite,
    _swap,
    _number,
    _number,
    _text_number,
    _image_size,
    _image_size,
)


def mutate(rng, data):
    """Damage a file's content.

    Args:
        rng: numpy Generator.
        data: bytes, not empty.
    Returns:
        (bytes, what was done in words).
    """
    luck = rng.random()
    if luck < 0.02:
        return b"", "emptied"
    if luck < 0.10:
        return _stranger(rng, data)
    done = []
    for _ in range(1 if luck < 0.75 else rng.integers(2, 5)):
        data, text = KINDS[rng.integers(len(KINDS))](rng, data)
        done.append(text)
        if not data:
            break
    return data, "; ".join(done)
