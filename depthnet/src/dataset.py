"""The NYU Depth v2 tree of the zoo: lists, a quick check of every file, and samples.

`Train/<scene>_out/N.jpg` + `N.png` (8 bits, value / 255 * 10 m) and `Test/NNNNN_colors.png` +
`NNNNN_depth.png` (16 bits, millimetres), all 640x480; depth 0 is unknown.
"""

from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from . import transforms
from .model_utils.config import InputError
from .model_utils.images import read_png, read_rgb

_END = {".jpg": b"\xff\xd9", ".png": b"IEND\xaeB`\x82"}
_DEPTH_MODES = {8: ("L",), 16: ("I;16", "I;16B", "I")}


class NyuTrain:
    """Training pairs below `root`/Train.

    Args:
        root: dataset folder.
        mask_invalid: mark pixels without depth by 0 in the target (see transforms.depth_target).
        skip_bad: leave out bad samples instead of refusing the dataset.
        augment: flip and jitter.
    Raises:
        InputError: no pairs, or bad files (named) without skip_bad.
    """

    columns = ("rgb", "depth")

    def __init__(self, root, mask_invalid=False, skip_bad=False, augment=True):
        self.mask_invalid, self.augment = mask_invalid, augment
        folder = _existing(Path(root) / "Train")
        images = [path for scene in folder.iterdir() if scene.is_dir() for path in scene.iterdir()]
        names = {path.with_suffix("") for path in images if path.suffix in (".jpg", ".png")}
        pairs = [(n.with_suffix(".jpg"), n.with_suffix(".png")) for n in sorted(names, key=_order)]
        self.pairs = _checked(pairs, 8, folder, "<scene>/N.jpg with N.png", skip_bad)

    def __len__(self):
        return len(self.pairs)

    def name(self, index):
        """Path of the image, for messages."""
        return str(self.pairs[index][0])

    def load(self, index, rng):
        """(3, 228, 304) float32 RGB in 0..1 and (1, 55, 74) float32 metres."""
        rgb_path, depth_path = self.pairs[index]
        rgb, depth = read_rgb(rgb_path), read_png(depth_path, 8)
        _check_size(rgb_path, rgb.shape)
        _check_size(depth_path, depth.shape)
        if self.augment:
            rgb, depth = transforms.flip(rng, rgb, depth)
            rgb = transforms.crop(rgb).astype(np.float32) * np.float32(1 / 255)
            rgb = transforms.jitter(rng, rgb)
        target = transforms.depth_target(depth * (10 / 255), self.mask_invalid)
        return transforms.image_input(rgb), target


class NyuTest:
    """Test pairs of a folder of `NNNNN_colors.png` and `NNNNN_depth.png`.

    Args:
        folder: the Test folder itself.
        mask_invalid, skip_bad: as for NyuTrain.
    Raises:
        InputError: no pairs, or bad files (named) without skip_bad.
    """

    columns = ("rgb", "depth")

    def __init__(self, folder, mask_invalid=False, skip_bad=False):
        self.mask_invalid = mask_invalid
        folder = _existing(Path(folder))
        stems = {p.name.rsplit("_", 1)[0] for p in folder.glob("*_*.png")}
        pairs = [(folder / f"{s}_colors.png", folder / f"{s}_depth.png") for s in sorted(stems)]
        self.pairs = _checked(pairs, 16, folder, "N_colors.png with N_depth.png", skip_bad)

    def __len__(self):
        return len(self.pairs)

    def name(self, index):
        """Path of the image, for messages."""
        return str(self.pairs[index][0])

    def picture(self, index):
        """(456, 608, 3) uint8 RGB: the part of the picture that the networks see."""
        return transforms.crop(read_rgb(self.pairs[index][0]))

    def load(self, index, rng=None):
        """(3, 228, 304) float32 RGB in 0..1 and (1, 55, 74) float32 metres."""
        rgb_path, depth_path = self.pairs[index]
        rgb, depth = read_rgb(rgb_path), read_png(depth_path, 16)
        _check_size(rgb_path, rgb.shape)
        _check_size(depth_path, depth.shape)
        target = transforms.depth_target(depth / 1000, self.mask_invalid)
        return transforms.image_input(rgb), target


def _order(path):
    """Scene, then the frame's number (10 behind 9)."""
    number = int(path.name) if path.name.isdigit() else -1
    return path.parent.name, number, path.name


def _existing(folder):
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; give the dataset's root (README: dataset)")
    return folder


def _checked(pairs, bits, folder, expected, skip_bad):
    if not pairs:
        raise InputError(f"{folder} holds no {expected}")
    bad = {pair: reason for pair in pairs if (reason := _fault(*pair, bits))}
    for reason in bad.values():
        print(f"bad sample: {reason}", flush=True)
    if bad and not skip_bad:
        raise InputError(
            f"{len(bad)} of {len(pairs)} samples in {folder} are bad, first: "
            f"{next(iter(bad.values()))}; mend them or add --skip_bad_samples True"
        )
    good = [pair for pair in pairs if pair not in bad]
    if bad:
        print(f"left out {len(bad)} bad samples of {len(pairs)} in {folder}", flush=True)
    if not good:
        raise InputError(f"no good sample is left in {folder}")
    return good


def _fault(rgb_path, depth_path, bits):
    """What is wrong with a pair, from headers and last bytes alone; None when nothing."""
    return _file_fault(rgb_path, ("RGB",)) or _file_fault(depth_path, _DEPTH_MODES[bits])


def _file_fault(path, modes):
    try:
        with Image.open(path) as image:
            size, mode = image.size[::-1], image.mode
        with path.open("rb") as file:
            file.seek(-min(64, path.stat().st_size), 2)
            whole = _END[path.suffix] in file.read()
    except FileNotFoundError:
        return f"{path} is missing, its partner is there"
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        return f"{path} is empty, broken or not an image"
    if not whole:
        return f"{path} is truncated"
    if size != transforms.FRAME_SIZE:
        return f"{path} is {size[1]}x{size[0]}, expected 640x480"
    return None if mode in modes else f"{path} has mode {mode}, expected {' or '.join(modes)}"


def _check_size(path, shape):
    if shape[:2] != transforms.FRAME_SIZE:
        raise InputError(f"{path} is {shape[1]}x{shape[0]}, expected 640x480")
