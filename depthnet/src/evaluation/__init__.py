"""Evaluation of both stages on the NYU test images."""

from pathlib import Path

import mindspore as ms
import numpy as np

from .. import metrics
from ..model_utils.batches import filled
from ..model_utils.images import colorize, enlarge, value_range, write_png
from ..model_utils.panels import panel, worst_and_best
from ..model_utils.report import Picture

STAGES = ("coarse", "fine")


class Evaluator:
    """Runs CoarseNet and FineNet over a dataset and scores both.

    Args:
        coarse, fine: the networks, weights loaded, as functions.
        mask_invalid: leave pixels without depth out of the metrics.
        batch_size: images per step; the metrics do not depend on it.
    """

    def __init__(self, coarse, fine, mask_invalid=False, batch_size=1):
        self.coarse, self.fine = coarse, fine
        self.mask_invalid, self.batch_size = mask_invalid, batch_size

    def predict(self, rgb):
        """(B, 3, 228, 304) float32 -> {"coarse", "fine"} log-depth (B, 1, 55, 74), numpy.

        FineNet sees the coarse map unclipped, as in the original's evaluation.
        """
        rgb = ms.Tensor(rgb)
        coarse = self.coarse(rgb)
        return {"coarse": coarse.numpy().copy(), "fine": self.fine(rgb, coarse).numpy().copy()}

    def evaluate(self, data, progress=lambda done, count: None):
        """Score every image.

        Args:
            data: NyuTest.
            progress: called with (images done, all images) after each step.
        Returns:
            {"average": {stage: metrics}, "images": [{"name", "coarse", "fine"}, ...],
            "left_out": names without a valid pixel}.
        """
        rows = []
        for start in range(0, len(data), self.batch_size):
            indices = range(start, min(start + self.batch_size, len(data)))
            rows += self._rows(data, indices)
            progress(indices.stop, len(data))
        kept = [row for row in rows if row["fine"] is not None]
        stages = STAGES if kept else ()
        average = {stage: metrics.average([row[stage] for row in kept]) for stage in stages}
        left_out = [row["name"] for row in rows if row["fine"] is None]
        return {"average": average, "images": kept, "left_out": left_out}

    def _rows(self, data, indices):
        """A row for each of the images that one step takes."""
        samples = [data.load(index) for index in indices]
        rgb = np.stack([sample["rgb"] for sample in samples])
        maps = self.predict(filled(rgb, self.batch_size))
        for place, (index, sample) in enumerate(zip(indices, samples)):
            row = {"name": data.name(index)}
            for stage in STAGES:
                found = maps[stage][place], sample["depth"]
                row[stage] = metrics.image_metrics(*found, mask_invalid=self.mask_invalid)
            yield row

    def save_panels(self, data, result, count, folder):
        """Write image | truth | coarse | fine of the `count` worst and best images (fine abs rel).

        Args:
            data: NyuTest.
            result: what `evaluate` returned for it.
            count: panels of each kind.
            folder: gets <worst or best>_<place>_<image>.png.
        Returns:
            Paths of the panels.
        """
        indices = {data.name(index): index for index in range(len(data))}
        rows = result["images"]
        errors = [row["fine"]["abs_relative_loss"] for row in rows]
        paths = []
        for word, place, number in worst_and_best(errors, count):
            index = indices[rows[number]["name"]]
            stem = Path(data.name(index)).stem
            paths.append(Path(folder) / f"{word}_{place:03}_{stem}.png")
            write_png(paths[-1], self.panel(data, index))
        return paths

    def panel(self, data, index):
        """(H, W, 3) uint8: image, truth, coarse and fine depth on one scale in metres."""
        return panel(*self.picture(data, index)[0])

    def picture(self, data, index):
        """(Picture of image, truth, coarse and fine; {truth, coarse, fine: (h, w) metres})."""
        sample = data.load(index)
        maps = self.predict(filled(sample["rgb"][None], self.batch_size))
        truth = sample["depth"][0]
        depths = {"truth": np.where(truth > 0, truth, np.nan)}
        depths.update({stage: np.exp(values[0, 0]) for stage, values in maps.items()})
        low, high = value_range(np.stack(list(depths.values())))
        height, width = sample["rgb"].shape[1:]
        tiles = [("image", np.uint8(np.rint(sample["rgb"].transpose(1, 2, 0) * 255)))]
        for title, depth in depths.items():
            tiles.append((title, enlarge(colorize(depth, low, high), height, width)))
        return Picture(tiles, low, high, "m"), depths
