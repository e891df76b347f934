"""Networks that can be computed by hand, and images, for tests of prediction."""

import mindspore as ms
import numpy as np
from PIL import Image

from monodepth2.src.prediction import Network

SIZE = 32, 64  # height, width at the network


def red(images):
    """Disparity: 1 plus the red channel, (B, 1, h, w)."""
    return 1 + images[:, :1]


def ahead(image, after):
    """Poses: a step ahead of ten times the next image's mean red value, (B, 1, 6)."""
    step = 10 * after.asnumpy()[:, 0].mean((1, 2))
    poses = np.zeros((len(step), 1, 6), np.float32)
    poses[:, 0, 5] = -step
    return ms.Tensor(poses)


def disparities(batch_size=1):
    """Network of disparity."""
    return Network(red, *SIZE, batch_size)


def photo(seed, height=48, width=80):
    """A smooth image (H, W, 3) uint8."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 6, 3), np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def grey(value, height=32, width=64):
    """An image of one value."""
    return np.full((height, width, 3), value, np.uint8)


def save(folder, **images):
    """Write images as <name>.png."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, image in images.items():
        Image.fromarray(image).save(folder / f"{name}.png")
    return folder


def golden_weights(folder, height, width, metric_scale=5.4):
    """A folder of weights with the goldens' values, as a training leaves it."""
    # Here, not above: tests of files need no networks.
    from monodepth2.src.model_utils.checkpoint import save_networks
    from monodepth2.src.networks import make_networks
    from tests.monodepth2.golden_networks import filled

    networks = make_networks(
        num_layers=18,
        scales=[0, 1, 2, 3],
        sources=[-1, 1],
        pose_model_type="separate_resnet",
        pose_model_input="pairs",
        predictive_mask=False,
    )
    for name, network in networks.items():
        filled(network, name)
    record = {"height": height, "width": width, "num_layers": 18, "metric_scale": metric_scale}
    save_networks(networks, folder, {**record, "use_stereo": metric_scale is not None})
    return folder
