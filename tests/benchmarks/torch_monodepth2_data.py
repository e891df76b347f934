"""A plain PyTorch Dataset of what Monodepth2 trains on, for comparison only; see its section 4.

Every image of a sample is read, mirrored with its sample, brought to four scales by Lanczos, each
from the one before, and turned into float tensors, as it is and with changed colours.
"""

import random
from functools import partial

import numpy as np
import torch
from PIL import Image, ImageEnhance
from torch.utils.data import DataLoader, Dataset

SCALES = 4
ENHANCERS = [ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color]


def enhanced(image, kind, factor):
    """Brightness, contrast or saturation times a factor."""
    return kind(image).enhance(factor)


def hue_changed(image, shift):
    """The hues turned by a part of the circle."""
    hue, saturation, value = image.convert("HSV").split()
    turned = np.array(hue) + np.uint8(int(shift * 255) % 256)
    return Image.merge("HSV", (Image.fromarray(turned), saturation, value)).convert("RGB")


def drawn_jitter():
    """A function that changes the colours of images, the same way in each of them."""
    changes = [partial(enhanced, kind=kind, factor=random.uniform(0.8, 1.2)) for kind in ENHANCERS]
    changes.append(partial(hue_changed, shift=random.uniform(-0.1, 0.1)))
    random.shuffle(changes)

    def change(image):
        for one in changes:
            image = one(image)
        return image

    return change


def tensor(image):
    """(3, H, W) float32, 0..1."""
    planes = torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()
    return planes.float().div(255)


class Drives(Dataset):
    """Samples of a list of files.

    Args:
        paths: for each sample {name: file of an image}.
        height, width: pixels of scale 0.
    """

    def __init__(self, paths, height, width):
        self.paths, self.size = paths, (width, height)
        self.camera = np.float32([[0.58, 0, 0.5, 0], [0, 1.92, 0.5, 0], [0, 0, 1, 0], [0, 0, 0, 1]])

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        """{name: tensor}."""
        jitter = drawn_jitter() if random.random() > 0.5 else None
        is_mirrored = random.random() > 0.5
        sample = {}
        for name, path in self.paths[index].items():
            with Image.open(path) as file:
                image = file.convert("RGB")
            if is_mirrored:
                image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            for scale in range(SCALES):
                size = tuple(side >> scale for side in self.size)
                image = image.resize(size, Image.Resampling.LANCZOS)
                sample[f"color_{name}_{scale}"] = tensor(image)
                seen = jitter(image) if jitter else image
                sample[f"color_aug_{name}_{scale}"] = tensor(seen)
        for scale in range(SCALES):
            width, height = (side >> scale for side in self.size)
            matrix = self.camera * np.float32([[width], [height], [1], [1]])
            sample[f"K_{scale}"] = torch.from_numpy(matrix)
            sample[f"inv_K_{scale}"] = torch.from_numpy(np.linalg.pinv(matrix))
        if "s" in self.paths[index]:
            sample["stereo_T"] = torch.eye(4)
            sample["stereo_T"][0, 3] = 0.1 if is_mirrored else -0.1
        return sample


def batches(paths, height, width, batch_size, workers):
    """A DataLoader as the original's, without pinned memory, which is for a GPU."""
    options = {"shuffle": True, "num_workers": workers, "drop_last": True}
    return DataLoader(Drives(paths, height, width), batch_size, **options)
