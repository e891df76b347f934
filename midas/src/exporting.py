"""What is exported with the network: its sidecar, and an input to check it with."""

import numpy as np


def random_image(height, width):
    """(1, 3, height, width) float32, standard normal as a prepared image is; the same each time."""
    rng = np.random.default_rng((height, width))
    return rng.standard_normal((1, 3, height, width)).astype(np.float32)


def sidecar(height, width, mean, std):
    """How an image becomes the input of a graph, and what comes out of it."""
    shape = {"dtype": "float32", "shape": [1, 3, height, width]}
    return {
        "format": 1,
        "model": "midas",
        "graph": "midas",
        "inputs": [{"name": "image", **shape, "layout": "NCHW", "source": "image"}],
        "image": {
            "color_order": "RGB",
            "crop": None,
            "resize": {
                "height": height,
                "width": width,
                "interpolation": "bicubic",
                "keep_aspect_ratio": False,
                "multiple_of": 1,
                "method": "exact",
            },
            "scale": 1 / 255,
            "mean": list(mean),
            "std": list(std),
        },
        "outputs": [
            {
                "name": "inverse_depth",
                "shape": [1, height, width],
                "dtype": "float32",
                "meaning": "inverse_depth",
            }
        ],
    }
