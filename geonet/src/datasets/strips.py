"""Strips of frames as training samples.

`target`     (3, H, W) uint8 RGB, the frame in the middle
`sources`    (3 (L - 1), H, W) uint8 RGB, the other frames in the order of time
`K`, `inv_K` (3, 3) float32, pixels of a frame; inv_K is inverted in float64
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from ..model_utils.errors import InputError
from ..transforms import Augmentation, split_strip
from .strip_files import StripFiles, StripSize, find_strips, has_lines

FIELDS = ("target", "sources", "K", "inv_K")


class Strips:
    """Strips as they are, as samples of `model_utils.stream`.

    Args:
        files: where they are.
        size: of each.
    """

    fields = FIELDS

    def __init__(self, files: StripFiles, size: StripSize):
        self.files, self.size = files, size

    def __len__(self) -> int:
        return len(self.files.paths)

    def name(self, index: int) -> str:
        """Path of a strip's image."""
        return self.files.paths[index]

    def load(self, index: int, rng: np.random.Generator | None = None) -> dict[str, np.ndarray]:
        """One sample.

        Raises:
            InputError: the image is missing or damaged, or has changed; the line names it.
        """
        return _sample(*self._read(index))

    def _read(self, index):
        """The frames of a strip as a stack, and K."""
        strip = read_strip(self.files.paths[index], self.size)
        return split_strip(strip, self.size.length), self.files.cameras[index]


class AugmentedStrips(Strips):
    """Strips that are enlarged and cropped, and half of the time coloured, alike for a batch.

    Args:
        files, size: see `Strips`.
        random_scale_crop, random_color: False leaves that part out.
    """

    def __init__(
        self,
        files: StripFiles,
        size: StripSize,
        *,
        random_scale_crop: bool = True,
        random_color: bool = True,
    ):
        super().__init__(files, size)
        self.parts = {"random_scale_crop": random_scale_crop, "random_color": random_color}

    def draw_batch(self, rng: np.random.Generator) -> Augmentation:
        """What is done to every sample of a batch; as many numbers are drawn in any case."""
        units = rng.random(Augmentation.draws(self.size.length))
        return Augmentation.of(units, self.size.height, self.size.width, **self.parts)

    def load(
        self, index: int, rng: np.random.Generator | None, augmentation: Augmentation
    ) -> dict[str, np.ndarray]:
        """One sample with what `draw_batch` has drawn; errors as in `Strips`."""
        stack, K = self._read(index)
        return _sample(augmentation.image(stack), augmentation.camera(K))


def _sample(stack, K):
    inv_K = np.linalg.inv(np.float64(K)).astype(np.float32)
    return dict(zip(FIELDS, (stack[:3], stack[3:], K, inv_K)))


def read_strip(path: str | Path, size: StripSize) -> np.ndarray:
    """(H, W L, 3) uint8 RGB of a strip's image, which may be grey.

    Decoded by the accurate inverse cosine transform; that of the original, TensorFlow's fast one,
    differs by a few levels.

    Raises:
        InputError: missing, damaged, or of another size; the line names it.
    """
    try:
        with Image.open(path) as image:
            size.check(image.height, image.width, str(path))
            return np.asarray(image.convert("RGB"))
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(f"{path} is missing") from None
    except Exception as err:  # Pillow raises many kinds for what is damaged
        raise InputError(f"{path} is truncated or damaged; prepare the data anew") from err


def open_strips(
    dataset_dir: str | Path,
    *,
    img_height: int,
    img_width: int,
    seq_length: int,
    random_scale_crop: bool = True,
    random_color: bool = True,
    workers: int = 8,
) -> tuple[Strips, Strips | None]:
    """The samples to train on, and those to validate on: every file is looked at first.

    Prints how many there are, or that nothing will be validated.

    Args:
        dataset_dir: the folder with train.txt, and val.txt unless nothing is to be validated.
        img_height, img_width: of a frame, pixels.
        seq_length: frames in a strip, an odd number.
        random_scale_crop, random_color: see `AugmentedStrips`; without both the samples to train
            on are the strips as they are.
        workers: files that are looked at at the same time.
    Returns:
        (samples of train.txt, those of val.txt or None).
    Raises:
        InputError: a list is missing or malformed, or strips cannot be used; see `find_strips`.
    """
    size = StripSize(img_height, img_width, seq_length)
    train_list, val_list = (Path(dataset_dir, f"{name}.txt") for name in ("train", "val"))
    if not train_list.is_file():
        raise InputError(_without_list(train_list))
    files = find_strips(train_list, size, workers)
    val = Strips(find_strips(val_list, size, workers), size) if has_lines(val_list) else None
    validated = (
        f"{len(val)} to validate on" if val else f"no validation: {val_list} is missing or empty"
    )
    print(f"{len(files.paths)} strips to train on, {validated}", flush=True)
    if not random_scale_crop and not random_color:
        return Strips(files, size), val
    parts = {"random_scale_crop": random_scale_crop, "random_color": random_color}
    return AugmentedStrips(files, size, **parts), val


def _without_list(path):
    """What to do where there is no train.txt."""
    if not path.parent.is_dir():
        return f"dataset_dir {path.parent} is not a folder; give the folder with {path.name}"
    found = next((p for p in sorted(path.parent.glob("*/train.txt")) if p.is_file()), None)
    if found:
        return f"{path} is missing, but {found} is there: give --dataset_dir {found.parent}"
    return f"{path} is missing; prepare/prepare_train_data.py makes it"
