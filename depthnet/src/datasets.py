"""The NYU Depth v2 tree of the zoo: lists, a quick check of every file, and samples.

`Train/<scene>_out/N.jpg` + `N.png` (8 bits, value / 255 * 10 m) and `Test/NNNNN_colors.png` +
`NNNNN_depth.png` (16 bits, millimetres), all 640x480; depth 0 is unknown.

A sample is {"rgb": (3, 228, 304) float32 in 0..1, "depth": (1, 55, 74) float32 metres}.
"""

from pathlib import Path

import cv2

from . import transforms
from .model_utils.errors import InputError
from .model_utils.images import good_samples, image_header, read_png, read_rgb

_DEPTH_MODES = {8: ("L",), 16: ("I;16", "I;16B", "I")}


class NyuTrain:
    """Training pairs below `root`/Train. From here on, OpenCV stays on the thread that calls it.

    Args:
        root: dataset folder.
        mask_invalid: mark pixels without depth by 0 in the target (see transforms.depth_target).
        skip_bad: leave out bad samples instead of refusing the dataset.
        augment: flip and jitter.
    Raises:
        InputError: no pairs, or bad files (named) without skip_bad.
    """

    def __init__(self, root, mask_invalid=False, skip_bad=False, augment=True):
        self.mask_invalid, self.augment = mask_invalid, augment
        cv2.setNumThreads(1)  # the loaders are parallel: further threads would compete with them
        folder = _existing(Path(root) / "Train")
        images = [path for scene in _shown(folder) if scene.is_dir() for path in _shown(scene)]
        names = {path.with_suffix("") for path in images if path.suffix in (".jpg", ".png")}
        pairs = [(n.with_suffix(".jpg"), n.with_suffix(".png")) for n in sorted(names, key=_order)]
        self.pairs = _checked(pairs, 8, folder, "<scene>/N.jpg with N.png", skip_bad)

    def __len__(self):
        return len(self.pairs)

    def name(self, index):
        """Path of the image, for messages."""
        return str(self.pairs[index][0])

    def load(self, index, rng):
        """A sample; `rng` draws the flip and the jitter."""
        rgb, depth = _read_pair(self.pairs[index], 8)
        if self.augment:
            rgb, depth = transforms.flip(rng, rgb, depth)
            rgb = transforms.jitter(rng, transforms.crop(rgb))
        return _sample(rgb, depth * (10 / 255), self.mask_invalid)


class NyuTest:
    """Test pairs of a folder of `NNNNN_colors.png` and `NNNNN_depth.png`.

    Args:
        folder: the Test folder itself.
        mask_invalid, skip_bad: as for NyuTrain.
    Raises:
        InputError: no pairs, or bad files (named) without skip_bad.
    """

    def __init__(self, folder, mask_invalid=False, skip_bad=False):
        self.mask_invalid = mask_invalid
        folder = _existing(Path(folder))
        images = [path for path in _shown(folder) if path.match("*_*.png")]
        stems = {path.name.rsplit("_", 1)[0] for path in images}
        pairs = [(folder / f"{s}_colors.png", folder / f"{s}_depth.png") for s in sorted(stems)]
        self.pairs = _checked(pairs, 16, folder, "N_colors.png with N_depth.png", skip_bad)

    def __len__(self):
        return len(self.pairs)

    def name(self, index):
        """Path of the image, for messages."""
        return str(self.pairs[index][0])

    def load(self, index, rng=None):
        """A sample; nothing is drawn."""
        rgb, depth = _read_pair(self.pairs[index], 16)
        return _sample(rgb, depth / 1000, self.mask_invalid)


def _read_pair(pair, bits):
    rgb, depth = read_rgb(pair[0]), read_png(pair[1], bits)
    for path, array in zip(pair, (rgb, depth)):
        _check_size(path, array.shape[:2])
    return rgb, depth


def _sample(rgb, depth_m, mask_invalid):
    target = transforms.depth_target(depth_m, mask_invalid)
    return {"rgb": transforms.image_input(rgb), "depth": target}


def _shown(folder):
    """What a folder holds but for hidden files, such as macOS's ._1.jpg and notebooks' folders."""
    return [path for path in folder.iterdir() if not path.name.startswith(".")]


def _order(path):
    """Scene, then the frame's number (10 after 9)."""
    number = int(path.name) if path.name.isdecimal() else -1
    return path.parent.name, number, path.name


def _existing(folder):
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; give the dataset's root (README: dataset)")
    return folder


def _checked(pairs, bits, folder, expected, skip_bad):
    if not pairs:
        raise InputError(f"{folder} holds no {expected}")
    return good_samples(pairs, lambda pair: _check_pair(pair, bits), skip_bad, str(folder))


def _check_pair(pair, bits):
    """Check headers and last bytes alone."""
    for path, modes in zip(pair, (("RGB",), _DEPTH_MODES[bits])):
        header = image_header(path)
        _check_size(path, header.size)
        if header.mode not in modes:
            raise InputError(f"{path} has mode {header.mode}, expected {' or '.join(modes)}")


def _check_size(path, size):
    if size != transforms.FRAME_SIZE:
        raise InputError(f"{path} is {size[1]}x{size[0]}, expected 640x480")
