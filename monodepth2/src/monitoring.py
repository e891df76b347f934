"""What a training tells of itself besides losses and checkpoints: hooks of Monodepth2."""

import importlib.util
import time
from collections import deque

import mindspore as ms
import numpy as np

from .model_utils.hooks import Checkpoints, Hook
from .model_utils.images import colorize, value_range
from .model_utils.metrics import NAMES
from .model_utils.panels import panel
from .networks.depth_decoder import disparity_to_depth
from .sfm_utils.depth_evaluation import monitor_metrics

DEPTH = "depth_gt"
# The original's names for the metrics of a monitor batch, in the order of NAMES.
_MONITOR = ("de/abs_rel", "de/sq_rel", "de/rms", "de/log_rms", "da/a1", "da/a2", "da/a3")
_RECENT = 5  # shares of masked pixels that the next one is compared with
_SUDDEN = 0.25  # of their mean: less is a sudden drop


def say_where(model_name, log_dir):
    """The original's lines on a training's name and folder."""
    print(f"Training model named:\n   {model_name}")
    print(f"Models and tensorboard events files are saved to:\n   {log_dir}", flush=True)


class BatchLine:
    """The original's log line of a step, a function of its Report."""

    def __init__(self):
        self.began = time.perf_counter()

    def __call__(self, report):
        epoch, batch = divmod(report.step, report.steps_per_epoch)
        elapsed = time.perf_counter() - self.began
        return (
            f"epoch {epoch:>3} | batch {batch:>6} | examples/s: {report.examples_per_s:5.1f} "
            f"| loss: {report.values['loss']:.5f} | time elapsed: {_clock(elapsed)} "
            f"| time left: {_clock(report.left)}"
        )


def _clock(seconds):
    minutes, seconds = divmod(int(seconds), 60)
    return f"{minutes // 60:02d}h{minutes % 60:02d}m{seconds:02d}s"


def weights_record(options, metric_scale):
    """What weights carry, so that a prediction with them needs no option of their training.

    Args:
        options: of the training.
        metric_scale: metres per unit of depth; None: depth is not metric.
    """
    kept = "height", "width", "use_stereo", "num_layers", "scales", "min_depth", "max_depth"
    return {key: options[key] for key in kept} | {"metric_scale": metric_scale}


def ends_epoch(moment):
    """When validation runs."""
    return moment.ends_epoch


def epoch_weights(networks, folder, *, every, record, device):
    """The hook that saves networks as <folder>/weights_<epoch>/, as the original does.

    Args:
        every: epochs between them.
        record: see `Checkpoints`.
        device: only its rank 0 writes.
    """

    def is_due(moment):
        return moment.ends_epoch and moment.done // moment.steps_per_epoch % every == 0

    def path(moment):
        return folder / f"weights_{moment.step // moment.steps_per_epoch}"

    options = {"pattern": "weights_*", "keep": 0, "record": record, "active": device.is_main}
    return Checkpoints(networks, due=is_due, path=path, **options)


class EpochLoss(Hook):
    """The line of the validation loss that the Paddle port prints; place it after Validation."""

    def after_look(self, report):
        if "val_loss" in report.values:
            epoch, loss = report.step // report.steps_per_epoch, report.values["val_loss"]
            print(f"In epoch {epoch}, the validation loss is {loss:.6g}.", flush=True)


class MaskWatch(Hook):
    """Warns when automasking suddenly leaves out far fewer pixels than before."""

    def __init__(self):
        self.recent = deque(maxlen=_RECENT)

    def after_look(self, report):
        share = report.values.get("masked")
        if share is None:
            return
        usual = float(np.mean(self.recent)) if len(self.recent) == _RECENT else 0
        if share < _SUDDEN * usual:
            text = f"{100 * share:.2f} % of the pixels are masked, {100 * usual:.2f} % before"
            print(f"warning: step {report.step}: {text}; look at the panels", flush=True)
        self.recent.append(share)


class MonitorBatch(Hook):
    """Loss and depth metrics of one validation batch now and then, as the original logs them.

    Adds val_batch_loss and, where the batch has ground truth, de/abs_rel ... da/a3. The metrics are
    over the batch as a whole, after scaling by the ratio of the medians.

    Args:
        step: EvalStep whose maps hold "disparity".
        stream: SampleStream of the validation samples, shuffled.
        every: steps between batches.
        limits: (min_depth, max_depth) of the disparity.
        device: only its rank 0 looks.
    """

    def __init__(self, step, stream, every, limits, device):
        self.step, self.stream, self.every = step, stream, every
        self.limits, self.device = limits, device

    def needs_look(self, moment):
        return moment.step % self.every == 0

    def after_look(self, report):
        if not self.needs_look(report) or not self.device.is_main:
            return
        places = range(self.stream.batch_size)
        samples = [self.stream.load(report.step // self.every, place) for place in places]
        batch = [np.stack([sample[field] for sample in samples]) for field in self.step.fields]
        scalars, maps = self.step(tuple(map(ms.Tensor, batch)))
        report.values["val_batch_loss"] = scalars["loss"]
        if all(DEPTH in sample and sample[DEPTH].any() for sample in samples):
            depth = disparity_to_depth(maps["disparity"], *self.limits)[1]
            target = np.stack([sample[DEPTH] for sample in samples])
            found = monitor_metrics(depth[:, 0], target[:, 0])
            report.values.update({name: found[key] for name, key in zip(_MONITOR, NAMES)})


class Events(Hook):
    """TensorBoard events of the scalars and of a validation's images; needs tensorboardX.

    Args:
        folder: gets train/ and val/.
        every: log_steps.
        count: images per validation.
        device: only its rank 0 writes.
    """

    def __init__(self, folder, *, every, count, device):
        self.every, self.count, self.writers = every, count, {}
        if not device.is_main:
            return
        if importlib.util.find_spec("tensorboardX") is None:
            print("tensorboardX is not installed: no TensorBoard events, metrics.csv has all")
            return
        from tensorboardX import SummaryWriter

        self.writers = {mode: SummaryWriter(str(folder / mode)) for mode in ("train", "val")}

    def after_look(self, report):
        if not self.writers:
            return
        is_val = {name: name.startswith(("val_", "de/", "da/")) for name in report.values}
        for name, value in report.values.items():
            if is_val[name] or report.step % self.every == 0:
                writer = self.writers["val" if is_val[name] else "train"]
                writer.add_scalar(name.removeprefix("val_"), value, report.step)
        for name, images in report.images.items():
            for number, image in enumerate(images[: self.count]):
                self.writers["val"].add_image(f"{name}/{number}", image, report.step)
        for writer in self.writers.values():
            writer.flush()


def draw_panel(sample):
    """Image, disparity, what the sources show of it, error and automask side by side.

    Args:
        sample: {name: (C, H, W)} of `Forward` with images.
    Returns:
        (H', W', 3) uint8 RGB.
    """
    disparity, error = sample["disparity"][0], sample["error"][0]
    low, high = value_range(disparity)
    tiles = [("image", _rgb(sample["target"])), ("disparity", colorize(disparity, low, high))]
    warped = {name: image for name, image in sample.items() if name.startswith("warped_")}
    tiles += [(name.replace("_", " "), _rgb(image)) for name, image in warped.items()]
    tiles.append(("error", colorize(error, 0, max(float(error.max()), 1e-6))))
    if "automask" in sample:
        counted = np.uint8(255 * (1 - sample["automask"][0]))
        tiles.append(("automask: black is left out", np.repeat(counted[..., None], 3, 2)))
    return panel(tiles, low, high, "")


def _rgb(image):
    """(3, H, W) 0..1 -> (H, W, 3) uint8."""
    return np.uint8(np.rint(255 * np.clip(image, 0, 1))).transpose(1, 2, 0)
