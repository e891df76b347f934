"""The depth files of the evaluation datasets. Errors name the file and what to do."""

import struct
from pathlib import Path

import h5py
import numpy as np

from ..model_utils.errors import InputError, one_line, shown
from ..model_utils.images import read_png
from .matlab import read_numbers

_DPT_TAG = 202021.25
# Kinds of numpy: 8-bit and floating-point numbers.
_NYU_TYPES = {"images": "u1", "rawDepths": "f"}
_MOST_PIXELS = 1 << 26  # of an image of NYU or DIW: more is damage
# The cameras of ETH3D deliver 4032 rows, whatever size the images beside the depth were cropped to.
_ETH3D_ROWS = 4032


def _bytes_of(path, hint):
    try:
        return Path(path).read_bytes()
    except OSError as err:
        raise InputError(f"{path}: {err.strerror or 'cannot be read'}; {hint}") from None


def read_kitti_depth(path):
    """KITTI's annotated depth, a 16-bit PNG.

    Returns:
        (H, W) float32 metres: value / 256, and -1 where there is no depth (0 in the file).
    Raises:
        InputError: not a 16-bit PNG of one channel, or 8-bit values in one.
    """
    raw = read_png(path, 16)
    if 0 < raw.max() <= 255:
        hint = "take the file of data_depth_annotated, value / 256 is metres"
        raise InputError(f"{path}: its largest value is {raw.max()}, 8-bit depth; {hint}")
    return np.where(raw > 0, raw / 256, -1).astype(np.float32)


def read_tum_depth(path, as_8_bit=False):
    """TUM's depth, a 16-bit PNG, 5000 per metre.

    Args:
        path: the file.
        as_8_bit: value // 256 / 5000, what the original reads by mistake.
    Returns:
        (H, W) float64 metres, 0 where there is none.
    """
    raw = read_png(path, 16)
    return (raw >> 8 if as_8_bit else raw) / 5000


def read_dpt(path):
    """Sintel's .dpt: float32 tag 202021.25, int32 width and height, float32 rows, little endian.

    Returns:
        (H, W) float32 metres.
    Raises:
        InputError: wrong tag, or fewer or more bytes than the header says.
    """
    hint = "unpack Sintel's depth archive again"
    data = _bytes_of(path, hint)
    if len(data) < 12 or data[:4] != struct.pack("<f", _DPT_TAG):
        raise InputError(f"{path}: no .dpt file, its tag is not {_DPT_TAG}; {hint}")
    width, height = (int(value) for value in np.frombuffer(data, "<i4", 2, 4))
    if width < 1 or height < 1 or len(data) != 12 + 4 * width * height:
        size = f"{len(data)} bytes do not hold {width} x {height} depths"
        raise InputError(f"{path}: truncated or damaged, {size}; {hint}")
    return np.frombuffer(data, "<f4", offset=12).reshape(height, width).astype(np.float32)


def read_eth3d_depth(path, height, width):
    """ETH3D's rendered depth: bare little-endian float32 rows, inf where there is none.

    Args:
        path: the file, called .JPG like its image.
        height, width: of the image.
    Returns:
        float32 metres, (height, width), or (4032, n) where the image is a smaller copy.
    Raises:
        InputError: the number of values fits neither.
    """
    hint = "it must be the file of ground_truth_depth, not an image"
    data = _bytes_of(path, hint)
    count = len(data) // 4
    if len(data) == 4 * height * width:
        shape = (height, width)
    elif count and len(data) % 4 == 0 and count % _ETH3D_ROWS == 0:
        shape = (_ETH3D_ROWS, count // _ETH3D_ROWS)
    else:
        size = f"{len(data)} bytes are not {height} x {width} float32 depths"
        raise InputError(f"{path}: {size} of its image; {hint}")
    return np.frombuffer(data, "<f4").reshape(shape).astype(np.float32)


def read_diw_table(path):
    """DIW's table: one line with the image, then one with yA,xA,yB,xB,relation,width,height.

    Returns:
        List of (image name, (yA, xA, yB, xB) 0-based, relation "<" or ">", (width, height)).
    Raises:
        InputError: a bad row; it names the line.
    """
    text = _bytes_of(path, "take DIW_test.csv of DIW_Annotations").decode("utf-8", "replace")
    lines = [line.strip() for line in text.splitlines()]
    while lines and not lines[-1]:
        lines.pop()
    if not lines or len(lines) % 2:
        raise InputError(f"{path}: {len(lines)} lines, expected pairs of image and annotation")
    return [
        (lines[i], *_diw_row(f"{path} line {i + 2}", lines[i + 1])) for i in range(0, len(lines), 2)
    ]


def _diw_row(where, line):
    words = line.split(",")
    try:
        y_a, x_a, y_b, x_b, width, height = (int(w) for w in words[:4] + words[5:])
    except ValueError:
        raise InputError(
            f"{where}: {shown(line)} is not yA,xA,yB,xB,relation,width,height"
        ) from None
    inside = all(1 <= y <= height for y in (y_a, y_b)) and all(1 <= x <= width for x in (x_a, x_b))
    if width * height > _MOST_PIXELS:
        raise InputError(f"{where}: an image of {shown(width)} x {shown(height)} pixels is damage")
    if words[4] not in ("<", ">") or not inside:
        raise InputError(f"{where}: {shown(line)}: relation is < or >, points are within the image")
    return (y_a - 1, x_a - 1, y_b - 1, x_b - 1), words[4], (width, height)


class NyuFile:
    """nyu.mat, the labelled set of NYU Depth v2 (HDF5), and the test indices of splits.mat.

    Args:
        data, splits: the two files.
    Raises:
        InputError: a file that is no such .mat, lacks a key or does not fit the other.
    """

    def __init__(self, data, splits):
        self.path = Path(data)
        hint = "nyu.mat is nyu_depth_v2_labeled.mat (HDF5)"
        try:
            self.file = h5py.File(data, "r")
            images, depths = (_shape(self.file, key) for key in _NYU_TYPES)
        except Exception as err:  # h5py raises many kinds for a damaged file
            raise InputError(f"{data}: {one_line(err)}; {hint}") from None
        if len(images) != 4 or images[1] != 3 or (images[0], *images[2:]) != depths:
            raise InputError(f"{data}: images {images} do not fit rawDepths {depths}; {hint}")
        if not 0 < images[2] * images[3] <= _MOST_PIXELS:
            raise InputError(f"{data}: images {images}, damaged; {hint}")
        self.indices = _test_indices(splits, images[0])

    def load(self, number):
        """Test image `number` as ((H, W, 3) uint8 RGB, (H, W) depth in metres, 0 for none)."""
        index = int(self.indices[number])
        try:
            image, depth = (self.file[key][index] for key in _NYU_TYPES)
        except Exception as err:  # as above
            raise InputError(f"{self.path}: image {index}: {one_line(err)}") from None
        return np.ascontiguousarray(image.transpose(2, 1, 0)), np.ascontiguousarray(depth.T)


def _shape(file, key):
    """The shape of an array of nyu.mat.

    Raises:
        ValueError: it is missing, or of another type.
    """
    array = file.get(key)
    if array is None:
        raise ValueError(f"no key {key}")
    if not array.dtype.str[1:].startswith(_NYU_TYPES[key]):
        raise ValueError(f"{key} is {array.dtype}, expected {_NYU_TYPES[key]}")
    return array.shape


def _test_indices(path, count):
    """0-based test indices, in the order of the file."""
    try:
        numbers = read_numbers(path, "testNdxs")
    except KeyError:
        raise InputError(f"{path}: no key testNdxs; take NYU's splits.mat") from None
    except (OSError, ValueError) as err:
        hint = "take NYU's splits.mat (MATLAB 5)"
        raise InputError(f"{path}: cannot be read, {one_line(err)}; {hint}") from None
    if not len(numbers) or not 1 <= numbers.min() <= numbers.max() <= count:
        raise InputError(f"{path}: testNdxs must be within 1..{count}, the images of nyu.mat")
    return numbers.astype(np.int64) - 1
