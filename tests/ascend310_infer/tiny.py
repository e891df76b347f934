"""The made-up third model: three tiny graphs whose results numpy can compute.

One with a free batch and two outputs, a coarse and fine pair, and one of free height and width.
The weights come from a seed, so the MindIR files and the expected numbers need no checkpoint.
"""

import numpy as np

SIZE = (24, 32)  # height, width
IMAGE = {
    "color_order": "RGB",
    "crop": None,
    "resize": {
        "height": SIZE[0],
        "width": SIZE[1],
        "interpolation": "bilinear",
        "keep_aspect_ratio": False,
        "multiple_of": 1,
        "method": "exact",
    },
    "scale": 1 / 255,
    "mean": [0, 0, 0],
    "std": [1, 1, 1],
}
CROP = {"reference_size": [48, 64], "top": 3, "left": 5, "height": 40, "width": 53}


def _port(name, shape, **more):
    return {"name": name, "shape": list(shape), "dtype": "float32", **more}


def _input(name, shape, source="image"):
    return _port(name, shape, layout="NCHW", source=source)


def sidecars():
    """The .json of every graph by name."""
    resize = IMAGE["resize"]
    bgr = {
        **IMAGE,
        "color_order": "BGR",
        "resize": {**resize, "interpolation": "bicubic"},
        "mean": [0.4, 0.45, 0.5],
        "std": [0.2, 0.25, 0.3],
    }
    cropped = {**IMAGE, "crop": CROP}
    free = {
        **IMAGE,
        "resize": {
            **resize,
            "keep_aspect_ratio": True,
            "multiple_of": 4,
            "method": "upper_bound",
            "interpolation": "bicubic",
        },
    }
    half = (SIZE[0] // 2, SIZE[1] // 2)
    return {
        "tiny": {
            "format": 1,
            "model": "tiny",
            "graph": "both",
            "inputs": [_input("image", (-1, 3, *SIZE))],
            "image": bgr,
            "outputs": [
                _port("disparity", (-1, 1, *half), meaning="disparity"),
                _port("confidence", (-1, 1, *half), meaning="confidence"),
            ],
        },
        "pair_coarse": {
            "format": 1,
            "model": "pair",
            "graph": "coarse",
            "inputs": [_input("image", (1, 3, *SIZE))],
            "image": cropped,
            "outputs": [_port("log_depth", (1, 1, *half), meaning="log_depth")],
        },
        "pair_fine": {
            "format": 1,
            "model": "pair",
            "graph": "fine",
            "inputs": [
                _input("image", (1, 3, *SIZE)),
                _input("coarse", (1, 1, *half), "previous_output"),
            ],
            "image": cropped,
            "outputs": [_port("log_depth", (1, 1, *half), meaning="log_depth")],
        },
        "free": {
            "format": 1,
            "model": "free",
            "graph": "both",
            "inputs": [_input("image", (1, 3, -1, -1))],
            "image": free,
            "outputs": [_port("inverse_depth", (1, 1, -1, -1), meaning="inverse_depth")],
        },
    }


def weights(name):
    """Kernels and biases by layer: `stem` (stride 2), `head`, `second` (tiny only)."""
    seed = {"tiny": 1, "pair_coarse": 2, "pair_fine": 3, "free": 4}[name]
    rng = np.random.default_rng(seed)
    channels = 7 if name == "pair_fine" else 8
    layers = {"stem": (channels, 3, 3, 3), "head": (1, 8, 3, 3), "second": (1, 8, 3, 3)}
    return {
        layer: (
            (rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))).astype(np.float32),
            (rng.standard_normal(shape[0]) * 0.1).astype(np.float32),
        )
        for layer, shape in layers.items()
    }


def _conv(x, kernel, bias, stride=1):
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride]
    return np.einsum("nchwij,ocij->nohw", windows, kernel) + bias[:, None, None]


def forward(name, image, coarse=None):
    """The graph's outputs in float64.

    Args:
        name: of the graph.
        image: (N, 3, H, W), prepared.
        coarse: (N, 1, H/2, W/2), the first graph's output; for pair_fine.
    Returns:
        list of (N, 1, H/2, W/2).
    """
    layers = weights(name)
    x = np.maximum(_conv(image.astype(np.float64), *layers["stem"], stride=2), 0)
    if coarse is not None:
        x = np.concatenate([x, coarse], 1)
    head = _conv(x, *layers["head"])
    if name != "tiny":
        return [head]
    return [1 / (1 + np.exp(-v)) for v in (head, _conv(x, *layers["second"]))]
