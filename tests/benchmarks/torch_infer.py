"""infer.py as a PyTorch user writes it: one photo after the other, eager.

    python -m tests.benchmarks.torch_infer MODEL NETWORK.pt PHOTOS OUTPUT

It reads the whole network from its file, resizes photos and results with our own functions, and
writes our files.
"""

import sys
from pathlib import Path

import cv2
import numpy as np
import torch

FORMATS = ("png", "color")


def depthnet(net, rgb):
    """Depth in metres, of NYU's crop and repeated outwards."""
    from depthnet.src.transforms import crop_box, image_input

    top, left, rows, columns = crop_box(*rgb.shape[:2])
    part = rgb[top : top + rows, left : left + columns]
    image = image_input(part.astype(np.float32) * np.float32(1 / 255))
    depth = cv2.resize(np.exp(net(image[None])[0, 0]), (columns, rows))
    sides = top, rgb.shape[0] - top - rows, left, rgb.shape[1] - left - columns
    return cv2.copyMakeBorder(depth, *sides, cv2.BORDER_REPLICATE)


def midas(net, rgb):
    """Inverse depth."""
    from midas.src.transforms import prepare_image

    image = prepare_image(rgb, (384, 384), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    return cv2.resize(net(image[None])[0], rgb.shape[1::-1])


def monodepth2(net, rgb):
    """Disparity."""
    from monodepth2.src.transforms import network_input

    image = np.float32(network_input(rgb, 192, 640)) / 255
    disparity = 0.01 + 9.99 * net(image[None])[0, 0]
    return cv2.resize(disparity, rgb.shape[1::-1])


def geonet(net, rgb):
    """Depth."""
    from geonet.src.evaluation.reading import LANCZOS, resized_planes

    image = np.float32(resized_planes(rgb, 128, 416, LANCZOS)) / np.float32(127.5) - 1
    return cv2.resize(net(image[None])[0, 0], rgb.shape[1::-1])


MODELS = {
    "depthnet": (depthnet, "depth"),
    "midas": (midas, "inverse_depth"),
    "monodepth2": (monodepth2, "disparity"),
    "geonet": (geonet, "depth"),
}


def main(model, network, photos, output):
    """Predict every photo of a folder."""
    from midas.src.model_utils.images import read_rgb, write_outputs

    net = torch.load(network, weights_only=False).eval()
    predict, kind = MODELS[model]
    with torch.inference_mode():
        for path in sorted(Path(photos).iterdir()):
            found = predict(lambda image: net(torch.from_numpy(image)).numpy(), read_rgb(path))
            write_outputs(Path(output) / path.stem, found, kind, FORMATS)


if __name__ == "__main__":
    main(*sys.argv[1:])
