"""What a training tells of itself besides losses and checkpoints: lines, panels, records."""

import time

import numpy as np

from .model_utils.hooks import Checkpoints, LogLine
from .model_utils.images import colorize, value_range
from .model_utils.panels import panel
from .sfm_utils.flow_files import flow_colors

_RECORDED = "mode", "dispnet_encoder", "scale_normalize", "flownet_type"
_SIZES = "img_height", "img_width", "seq_length"


def say_variables(variables):
    """The original's lines on what learns.

    Args:
        variables: {TensorFlow's name of a variable: parameter}.
    """
    print("Trainable variables: ")
    for name in variables:
        print(f"{name}:0")
    count = sum(parameter.size for parameter in variables.values())
    print(f"parameter_count = {count}", flush=True)


class IterationLine(LogLine):
    """The original's log line; iterations count from 1, and the time is that since the last line.

    Args:
        every: iterations between lines.
    """

    def __init__(self, every):
        super().__init__(self._line, every)
        self.mark, self.first = time.perf_counter(), None

    def needs_look(self, moment):
        self.first = moment.step if self.first is None else self.first
        return moment.done % self.every == 0

    def _line(self, report):
        now = time.perf_counter()
        seconds = (now - self.mark) / (report.done - self.first)
        self.mark, self.first = now, report.done
        loss = report.values["loss"]
        return f"Iteration: [{report.done:7d}] | Time: {seconds:4.4f}s/iter | Loss: {loss:.3f}"


def weights_record(options, networks):
    """What weights carry, so that their users need no option of their training.

    Args:
        options: of the training.
        networks: names of those in the file.
    """
    return {key: options[key] for key in (*_RECORDED, *_SIZES)} | {"networks": list(networks)}


def saves(every):
    """When weights are saved: every so many iterations, and after the last one."""

    def is_due(moment):
        return moment.done % every == 0 or moment.is_last

    return is_due


def model_files(networks, folder, *, every, keep, record, device):
    """The hook that saves networks as <folder>/model-<step>.ckpt.

    Args:
        every: iterations between them.
        keep: how many; 0 keeps all.
        record: see `Checkpoints`.
        device: only its rank 0 writes.
    """

    def path(moment):
        return folder / f"model-{moment.done}.ckpt"

    options = {"pattern": "model-*.ckpt", "keep": keep, "record": record}
    return Checkpoints(networks, due=saves(every), path=path, active=device.is_main, **options)


def draw_panel(sample):
    """Image, prediction, and what the first source shows of the image, side by side.

    Args:
        sample: {name: (C, H, W)} of a forward with images.
    Returns:
        (H', W', 3) uint8 RGB.
    """
    tiles, low, high = [("image", _rgb(sample["target"]))], 0.0, 1.0
    if "disparity" in sample:
        disparity = sample["disparity"][0]
        low, high = value_range(disparity)
        tiles.append(("disparity", colorize(disparity, low, high)))
    if "flow" in sample:
        tiles.append(("flow", flow_colors(sample["flow"].transpose(1, 2, 0))))
    tiles.append(("warped", _rgb(sample["warped"])))
    if "error" in sample:
        error = sample["error"][0]
        tiles.append(("error", colorize(error, 0, max(float(error.max()), 1e-6))))
    if "mask" in sample:
        mask = np.uint8(255 * sample["mask"][0])
        tiles.append(("mask: black is left out", np.repeat(mask[..., None], 3, 2)))
    return panel(tiles, low, high, "")


def _rgb(image):
    """(3, H, W) -1..1 -> (H, W, 3) uint8."""
    return np.uint8(np.rint(127.5 * (np.clip(image, -1, 1) + 1))).transpose(1, 2, 0)
