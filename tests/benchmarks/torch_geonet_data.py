"""A plain PyTorch Dataset of what GeoNet trains on, for comparison only; see the paper, section 4.

As the original, it enlarges and crops a whole batch alike, and changes the colours of half of the
batches, in what collects the samples of a batch.
"""

import random

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

FRAMES = 3


class Strips(Dataset):
    """Strips and their cameras.

    Args:
        stems: paths without .jpg and _cam.txt.
    """

    def __init__(self, stems):
        self.stems = stems

    def __len__(self):
        return len(self.stems)

    def __getitem__(self, index):
        """Target before sources (9, H, W) uint8, K (3, 3)."""
        with Image.open(f"{self.stems[index]}.jpg") as file:
            strip = torch.from_numpy(np.array(file.convert("RGB"))).permute(2, 0, 1)
        before, target, after = strip.chunk(FRAMES, 2)
        K = np.loadtxt(f"{self.stems[index]}_cam.txt", np.float32, delimiter=",")
        return torch.cat((target, before, after)), torch.from_numpy(K.reshape(3, 3))


def collected(samples):
    """The fields of a batch: target, sources, K and its inverse."""
    images, K = (torch.stack(each) for each in zip(*samples))
    images, K = scaled_and_cropped(images.float() / 255, K)
    if random.random() > 0.5:
        images = colored(images)
    images = (images * 255.5).byte()
    return images[:, :3].contiguous(), images[:, 3:].contiguous(), K, torch.linalg.inv(K)


def scaled_and_cropped(images, K):
    """Enlarged by up to 1.15 in each direction, then a window of the previous size."""
    height, width = images.shape[2:]
    x, y = random.uniform(1, 1.15), random.uniform(1, 1.15)
    size = int(height * y), int(width * x)
    top, left = random.randint(0, size[0] - height), random.randint(0, size[1] - width)
    images = F.interpolate(images, size, mode="bilinear", align_corners=False)
    K = K * torch.tensor([[x], [y], [1]])
    K[:, 0, 2] -= left
    K[:, 1, 2] -= top
    return images[:, :, top : top + height, left : left + width], K


def colored(images):
    """Gamma, brightness, and a factor for each channel of each frame."""
    factors = torch.empty(1, images.shape[1], 1, 1).uniform_(0.8, 1.2) * random.uniform(0.5, 2)
    return (images ** random.uniform(0.8, 1.2) * factors).clamp(0, 1)


def batches(stems, batch_size, workers):
    """A DataLoader of shuffled batches."""
    options = {"shuffle": True, "num_workers": workers, "drop_last": True, "collate_fn": collected}
    return DataLoader(Strips(stems), batch_size, **options)
