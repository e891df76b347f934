"""What video models compute, forward and backward, beside PyTorch.

    python -m tests.benchmarks.bench_sfm [--what PART_OF_A_NAME] [--rounds 3] [--json FILE]

Batch 4 at 192x640 and 128x416: Monodepth2's whole photometric loss (four scales at full size, two
sources: eight warps, SSIM and L1, minimum, smoothness), sampling alone, the blocks of its decoder,
and those of a ResNet-18, with the gradients that training needs.
"""

from functools import partial

import cv2
import numpy as np

from tests.benchmarks import beside_torch

MODULE = "tests.benchmarks.bench_sfm"
BATCH = 4
SIZES = {"192x640": (192, 640), "128x416": (128, 416)}
# (channels of the small map, of the features, of the result, share of the image's height).
DECODER = [
    (256, 256, 256, 16),
    (128, 128, 128, 8),
    (64, 64, 64, 4),
    (32, 64, 32, 2),
    (16, 0, 16, 1),
]
# (channels, channels of the result, share of the image's height).
RESIDUAL = [(64, 64, 4), (64, 128, 4), (128, 128, 8), (128, 256, 8), (256, 256, 16)]


def smooth_noise(rng, channels, height, width):
    """(B, C, H, W) within 0..1, as smooth as pictures are."""
    small = rng.random((BATCH * channels, height // 8, width // 8), np.float32)
    planes = [cv2.resize(plane, (width, height)) for plane in small]
    return np.stack(planes).reshape(BATCH, channels, height, width)


def loss(library, height, width):
    """The loss of either library, its arguments, and how many of them are learned."""
    rng = np.random.default_rng(0)
    sizes = [(height >> scale, width >> scale) for scale in range(4)]
    pose = np.eye(4, dtype=np.float32)
    pose[:3, 3] = 0.02, 0.01, 0.1
    intrinsics = [[0.58 * width, 0, 0.5 * width], [0, 1.92 * height, 0.5 * height], [0, 0, 1]]
    intrinsics = np.repeat(np.array(intrinsics, np.float32)[None], BATCH, 0)
    disparities = [smooth_noise(rng, 1, *size) for size in sizes]
    poses = [np.repeat(pose[None], BATCH, 0) for _ in range(2)]
    pyramid = [smooth_noise(rng, 3, *size) for size in sizes]
    sources = [smooth_noise(rng, 3, height, width) for _ in range(2)]
    noise = 1e-5 * rng.random((BATCH, 2, height, width), np.float32)
    net = library.PhotometricLoss(intrinsics, np.linalg.inv(intrinsics), height, width)
    return net, [*disparities, *poses, *pyramid, *sources, noise], 6, np.ones((), np.float32)


def sampling(library, height, width):
    """Sampling of either library at places up to five pixels away."""
    rng = np.random.default_rng(0)
    shifts = rng.uniform(-5, 5, (2, BATCH, height, width))
    x = (shifts[0] + np.arange(width)).astype(np.float32)
    y = (shifts[1] + np.arange(height)[:, None]).astype(np.float32)
    image = smooth_noise(rng, 3, height, width)
    weights = rng.standard_normal(image.shape).astype(np.float32)
    return library.Sampling(), [x, y, image], 2, weights


def block(library, kind, channels, shapes, out_shape):
    """A block of either library, random maps, and how many of them get a gradient."""
    rng = np.random.default_rng(0)
    maps = [rng.standard_normal((BATCH, *shape)).astype(np.float32) for shape in shapes]
    weights = rng.standard_normal((BATCH, *out_shape)).astype(np.float32)
    # The stem's input is the picture.
    learned = 0 if kind == "stem" else len(maps)
    return getattr(library, kind)(*channels), maps, learned, weights


def cases():
    """{name: function of a library that returns what its `step_of` takes}."""
    found = {}
    for size, (height, width) in SIZES.items():
        found[f"loss {size}"] = partial(loss, height=height, width=width)
        found[f"sampling {size}"] = partial(sampling, height=height, width=width)

        def add(name, kind, channels, shapes, out_shape, size=size):
            found[f"{name} {size}"] = partial(
                block, kind=kind, channels=channels, shapes=shapes, out_shape=out_shape
            )

        for small, features, out, share in DECODER:
            h, w = height // share, width // share
            shapes = [(small, h // 2, w // 2)] + ([(features, h, w)] if features else [])
            name, channels = f"decoder {small}+{features}-{out}", (small, features, out)
            kind = "DecoderBlock" if features else "LastDecoderBlock"
            add(name, kind, channels, shapes, (out, h, w))
        stem_out = 64, height // 4, width // 4
        add("stem", "stem", (), [(3, height, width)], stem_out)
        for channels, out, share in RESIDUAL:
            h, w, stride = height // share, width // share, out // channels
            shapes, out_shape = [(channels, h, w)], (out, h // stride, w // stride)
            add(f"residual {channels}-{out}", "ResidualBlock", (channels, out), shapes, out_shape)
    return found


def measure(form, what):
    """The step of a case in one form."""
    if form == beside_torch.OURS:
        from tests.benchmarks import mindspore_sfm as library

        return library.step_of(*cases()[what](library))
    from tests.benchmarks import torch_sfm as library

    return library.step_of(*cases()[what](library), form)


if __name__ == "__main__":
    TITLE = f"Video models, forward and backward, batch {BATCH}, CPU"
    beside_torch.run(MODULE, __doc__, TITLE, list(cases()), measure, "sfm.json")
