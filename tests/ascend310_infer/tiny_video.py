"""Made-up graphs of several images, whose results numpy can compute.

`motion` sees three frames and gives disparity, `steps` the poses to both neighbours; `warp` takes
what they give, and the camera, makes rigid flow of it and warps the next frame with that inside the
graph, by Gather at computed positions. `flow` gives flow from two frames alone.
"""

import numpy as np

from tests.ascend310_infer import tiny

SIZE = tiny.SIZE
FRAMES = {"before": -1, "image": 0, "after": 1}
IMAGE = {
    **tiny.IMAGE,
    "resize": {**tiny.IMAGE["resize"], "interpolation": "pillow_lanczos"},
}
# Of images of 64 x 48 pixels.
CAMERA = {"fx": 50.0, "fy": 40.0, "cx": 30.0, "cy": 25.0, "width": 64, "height": 48}
METRIC_SCALE = 5.4
FLOW_SCALE = 12.0  # pixels


def _frame(name, batch):
    shape = [batch, 3, *SIZE]
    more = {"layout": "NCHW", "source": "image", "frame": FRAMES[name]}
    return {"name": name, "shape": shape, "dtype": "float32", **more}


def _other(name, shape, source, **more):
    port = {"name": name, "shape": shape, "dtype": "float32", "layout": "NCHW"}
    return {**port, "source": source, **more}


def _output(name, shape, meaning, **more):
    return {"name": name, "shape": shape, "dtype": "float32", "meaning": meaning, **more}


def _sidecar(graph, inputs, outputs, **more):
    top = {"format": 1, "model": "video", "graph": graph, "inputs": inputs, "image": IMAGE}
    return {**top, "outputs": outputs, **more}


def sidecars():
    """The .json of every graph by name."""
    frames = [_frame(name, -1) for name in FRAMES]
    pose = {"rotation": "euler_xyz", "layout": "translation_rotation", "pairs": [[0, -1], [0, 1]]}
    disparity = _output("disparity", [-1, 1, *SIZE], "disparity", metric_scale=METRIC_SCALE)
    warp = [_frame("image", 1), _frame("after", 1)]
    warp.append(_other("disparity", [1, 1, *SIZE], "previous_output", output="disparity"))
    warp.append(_other("steps", [1, 2, 6], "previous_output", output="steps"))
    warp.append(_other("K", [1, 3, 3], "intrinsics"))
    warp.append(_other("K_inverse", [1, 3, 3], "inverse_intrinsics"))
    flow = _output("flow", [1, 2, *SIZE], "flow")
    return {
        "motion": _sidecar("motion", frames, [disparity], intrinsics=CAMERA),
        "steps": _sidecar("steps", frames, [_output("steps", [-1, 2, 6], "pose", pose=pose)]),
        "warp": _sidecar("warp", warp, [flow, _output("warped", [1, 3, *SIZE], "image")]),
        "flow": _sidecar(
            "flow",
            [_frame("after", -1), _frame("image", -1)],
            [_output("flow", [-1, 2, *SIZE], "flow")],
        ),
    }


def weights(name):
    """(kernel, bias) of the graph's one convolution, 3x3; `warp` has none."""
    outputs, frames, seed = {"motion": (1, 3, 11), "steps": (12, 3, 12), "flow": (2, 2, 13)}[name]
    rng = np.random.default_rng(seed)
    shape = (outputs, 3 * frames, 3, 3)
    kernel = rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))
    return kernel.astype(np.float32), (rng.standard_normal(outputs) * 0.1).astype(np.float32)


def _conv(name, frames):
    return tiny._conv(np.concatenate(frames, 1).astype(np.float64), *weights(name))


def motion(before, image, after):
    """(N, 3, H, W) three times -> disparity (N, 1, H, W) in 0..1."""
    return 1 / (1 + np.exp(-_conv("motion", [before, image, after])))


def steps(before, image, after):
    """(N, 3, H, W) three times -> (N, 2, 6), translation and Euler angles to both neighbours."""
    return 0.1 * _conv("steps", [before, image, after]).mean((2, 3)).reshape(-1, 2, 6)


def flow(after, image):
    """(N, 3, H, W) twice -> flow (N, 2, H, W), pixels."""
    return FLOW_SCALE * _conv("flow", [after, image])


def warp(image, after, disparity, poses, K, K_inverse):
    """Flow (1, 2, H, W) of small rigid motion, and `after` read where it ends (border repeated).

    Args:
        image, after: (1, 3, H, W).
        disparity: (1, 1, H, W).
        poses: (1, 2, 6).
        K, K_inverse: (3, 3).
    """
    del image  # the graph takes it, and adds 0 times it
    height, width = SIZE
    y, x = np.mgrid[:height, :width]
    across, down, ahead = poses[0, 1, :3]
    inverse_depth = disparity[0, 0]
    u = K[0, 0] * inverse_depth * (across - (K_inverse[0, 0] * x + K_inverse[0, 2]) * ahead)
    v = K[1, 1] * inverse_depth * (down - (K_inverse[1, 1] * y + K_inverse[1, 2]) * ahead)
    at_x = np.clip(x + u, 0, width - 1)
    at_y = np.clip(y + v, 0, height - 1)
    left = np.minimum(np.floor(at_x), width - 2).astype(int)
    top = np.minimum(np.floor(at_y), height - 2).astype(int)
    fx, fy = at_x - left, at_y - top
    pixels = after[0].astype(np.float64)
    upper = pixels[:, top, left] * (1 - fx) + pixels[:, top, left + 1] * fx
    lower = pixels[:, top + 1, left] * (1 - fx) + pixels[:, top + 1, left + 1] * fx
    return np.stack([u, v])[None], (upper * (1 - fy) + lower * fy)[None]
