"""Evaluation of both stages on the NYU test pictures."""

import json
import time
from pathlib import Path

import mindspore as ms
import numpy as np

from . import metrics
from .dataset import NyuTest
from .model_utils import images
from .model_utils.checkpoint import load_parameters
from .model_utils.config import InputError
from .model_utils.device import setup
from .network import CoarseNet, FineNet


class Evaluator:
    """Runs CoarseNet and FineNet over a dataset and scores both.

    Args:
        coarse, fine: the networks, weights loaded.
        mask_invalid: leave pixels without depth out of the metrics.
    """

    def __init__(self, coarse, fine, mask_invalid=False):
        self.coarse, self.fine = coarse.set_train(False), fine.set_train(False)
        self.mask_invalid = mask_invalid

    def predict(self, rgb):
        """(B, 3, 228, 304) float32 -> {"coarse", "fine"} log-depth (B, 1, 55, 74), numpy.

        FineNet sees the coarse map unclipped, as in the original's evaluation.
        """
        rgb = ms.Tensor(rgb)
        coarse = self.coarse(rgb)
        return {"coarse": coarse.asnumpy().copy(), "fine": self.fine(rgb, coarse).asnumpy().copy()}

    def evaluate(self, data, batch_size=1, progress=None):
        """Score every image.

        Args:
            data: NyuTest.
            batch_size: images a step; the last step may be smaller.
            progress: called with (images done, all images) after each step.
        Returns:
            {"average": {stage: metrics}, "images": [{"name", "coarse", "fine"}, ...],
            "left_out": names without a valid pixel}.
        """
        rows, left_out = [], []
        for start in range(0, len(data), batch_size):
            indices = range(start, min(start + batch_size, len(data)))
            loaded = [data.load(index) for index in indices]
            rgb = _padded(np.stack([sample[0] for sample in loaded]), batch_size)
            maps = self.predict(rgb)
            for place, index in enumerate(indices):
                row = {"name": data.name(index)}
                for stage, values in maps.items():
                    target = loaded[place][1]
                    row[stage] = metrics.image_metrics(values[place], target, self.mask_invalid)
                (left_out.append(row["name"]) if row["fine"] is None else rows.append(row))
            if progress:
                progress(indices.stop, len(data))
        stages = ("coarse", "fine") if rows else ()
        average = {stage: metrics.average([row[stage] for row in rows]) for stage in stages}
        return {"average": average, "images": rows, "left_out": left_out}

    def save_panels(self, data, result, count, folder):
        """Write image | truth | coarse | fine of the `count` worst and best images (abs rel, fine).

        Returns:
            Paths of the panels.
        """
        order = {row["name"]: row["fine"]["abs_relative_loss"] for row in result["images"]}
        indices = [i for i in range(len(data)) if data.name(i) in order]
        ranked = sorted(indices, key=lambda i: order[data.name(i)], reverse=True)
        chosen = [("worst", i, n) for n, i in enumerate(ranked[:count])]
        chosen += [("best", i, n) for n, i in enumerate(ranked[::-1][:count])]
        paths = []
        for word, index, number in chosen:
            stem = Path(data.name(index)).stem
            paths.append(Path(folder) / f"{word}_{number:03}_{stem}.png")
            images.write_png(paths[-1], self.panel(data, index))
        return paths

    def panel(self, data, index):
        """(H, W, 3) uint8: image, truth, coarse and fine depth on one scale in metres."""
        rgb, target = data.load(index)
        maps = self.predict(rgb[None])
        depths = {"truth": np.where(target[0] > 0, target[0], np.nan)}
        depths.update({stage: np.exp(values[0, 0]) for stage, values in maps.items()})
        low, high = images.value_range(np.stack(list(depths.values())))
        height, width = rgb.shape[1:]
        tiles = [("image", np.uint8(np.rint(rgb.transpose(1, 2, 0) * 255)))]
        for title, depth in depths.items():
            colors = images.colorize(depth, low, high)
            tiles.append((title, images.enlarge(colors, height, width)))
        return images.panel(tiles, low, high, "m")


def _padded(batch, size):
    """Repeat the last sample up to `size`, so that one graph serves every step."""
    missing = size - len(batch)
    return np.concatenate([batch, np.repeat(batch[-1:], missing, 0)]) if missing else batch


def evaluate(config):
    """Score both stages, print the averages, write metrics_json and the panels.

    Raises:
        InputError: bad dataset or checkpoints, or no pixel with depth at all.
    """
    setup(config)
    nets = CoarseNet(), FineNet()
    for net, path in zip(nets, (config.coarse_ckpt_model, config.fine_ckpt_model)):
        load_parameters(net, path)
    folder = Path(config.test_data or config.data_url) / "Test"
    data = NyuTest(folder, config.mask_invalid, config.skip_bad_samples)
    evaluator = Evaluator(*nets, config.mask_invalid)
    began = time.perf_counter()

    def progress(done, count):
        if done % 50 < config.eval_batch_size or done == count:
            rate = done / (time.perf_counter() - began)
            print(f"evaluated {done}/{count}, {rate:.2f} images/s", flush=True)

    result = evaluator.evaluate(data, config.eval_batch_size, progress)
    if not result["images"]:
        raise InputError(f"{folder}: no picture has a pixel with depth")
    for name in result["left_out"]:
        print(f"left out, no pixel with depth: {name}")
    for stage, values in result["average"].items():
        print(f"{stage} net: {metrics.format_metrics(values)}")
    images.write_bytes(config.metrics_json, json.dumps(result, indent=1).encode())
    print(f"wrote {config.metrics_json}")
    if config.save_panels:
        paths = evaluator.save_panels(data, result, config.save_panels, config.panels_path)
        print(f"wrote {len(paths)} panels to {config.panels_path}")
