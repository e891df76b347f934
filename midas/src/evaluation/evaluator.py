"""The evaluation loop: predict bucket by bucket, align, score, report."""

import math
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np

from ..metrics import METRICS, Score, depth_score, order_score
from ..model_utils.batches import filled
from ..model_utils.errors import InputError, RunError
from ..transforms import network_size, prepare_image, resize_nearest


@dataclass(frozen=True)
class Row:
    """The result of one image; `shape` is (height, width) at the network."""

    index: int
    name: str
    score: Score
    shape: tuple


@dataclass(frozen=True)
class Report:
    """The result of one dataset: mean of the metric, rows in the dataset's order, timing.

    `left_out` names images without a valid pixel that did not count; `graphs` is how many input
    shapes the network met for the first time.
    """

    title: str
    metric: str
    value: float
    rows: list
    left_out: list
    graphs: int
    seconds: float

    def line(self):
        """The report in one line, beginning as the original's does."""
        label, form = METRICS[self.metric]
        rate = len(self.rows) / max(self.seconds, 1e-9)
        images = f"{len(self.rows)} images, {rate:.2f} images/s, {self.graphs} new graphs"
        return f"{self.title} {label}: {self.value:{form}}  ({images})"


def resize_prediction(prediction, height, width, half_pixel):
    """Bring a prediction (h, w) to (height, width), bilinear without antialiasing.

    Args:
        half_pixel: pixel centres are at i + 0.5; else pixel i comes from i * in / out.
    """
    if prediction.shape == (height, width):
        return prediction
    if half_pixel:
        return cv2.resize(prediction, (width, height), interpolation=cv2.INTER_LINEAR)
    # Here, not above: it imports MindSpore, which a 310 host that only scores need not have.
    from ..model_utils.resize import interpolation_matrix

    rows = interpolation_matrix(prediction.shape[0], height, "legacy")
    columns = interpolation_matrix(prediction.shape[1], width, "legacy")
    return rows @ prediction @ columns.T


class Evaluator:
    """Runs datasets through one network.

    Images are gathered by the shape at which they enter the network, and a shape's last batch is
    filled up, so that the network is compiled once per shape, not once per image or remainder.

    Attributes:
        predict: function of (B, 3, h, w) float32 that returns (B, h, w) inverse depth; set it
            before the first run.

    Args:
        protocol: Protocol.
        size: (width, height) that network_size aims at; sides are multiples of 32.
        mean, std: three numbers each, for image values in 0..1.
        batch_size: images per call of `predict`.
        workers: threads that read and resize images.
        skip_bad: go on without images whose files are bad.
    """

    def __init__(self, protocol, *, size, mean, std, batch_size=1, workers=1, skip_bad=False):
        self.predict, self.protocol, self.size = None, protocol, size
        self.mean, self.std, self.batch_size, self.workers = mean, std, batch_size, workers
        self.skip_bad, self.shapes = skip_bad, set()

    def prepare(self, dataset, index):
        """(Sample with depth and mask as they are scored, network input (3, h, w))."""
        sample = dataset.load(index)
        height, width = sample.image.shape[:2]
        rule = {"method": dataset.resize_method, "keep_aspect_ratio": True}
        size = network_size((width, height), self.size, **rule)
        image = prepare_image(sample.image, size, self.mean, self.std)
        if dataset.resize_target:
            sample.depth = resize_nearest(sample.depth, size)
            sample.mask = resize_nearest(sample.mask, size)
        return sample, image

    def predict_one(self, dataset, index):
        """(Sample, prediction at the size of its depth) of one image."""
        sample, image = self.prepare(dataset, index)
        return sample, self._resized(dataset.name(index), sample, self._call([image])[0])

    def run(self, dataset, progress=None):
        """Evaluate one dataset.

        Args:
            dataset: of datasets.zero_shot.
            progress: (images done, images) -> None, called after each batch.
        Returns:
            Report.
        Raises:
            InputError: a bad file, or no image has a valid pixel; RunError: a prediction is not
                finite.
        """
        began, before = time.perf_counter(), len(self.shapes)
        rows = []
        for bucket in self._buckets(dataset):
            rows += self._score(dataset, bucket)
            if progress:
                progress(len(rows), len(dataset))
        rows.sort(key=lambda row: row.index)
        value, left_out = mean_of(dataset, [(r.name, r.score) for r in rows], self.protocol)
        graphs, seconds = len(self.shapes) - before, time.perf_counter() - began
        return Report(dataset.title, dataset.metric, value, rows, left_out, graphs, seconds)

    def _buckets(self, dataset):
        """Lists of (index, sample, network input) of one shape, at most batch_size long."""
        buckets = {}
        for index, future in self._read_ahead(dataset):
            try:
                sample, image = future.result()
            except InputError as err:
                if not self.skip_bad:
                    raise
                print(f"bad sample, left out: {err}", flush=True)
                continue
            sample.image = None
            bucket = buckets.setdefault(image.shape, [])
            bucket.append((index, sample, image))
            if len(bucket) == self.batch_size:
                yield buckets.pop(image.shape)
        yield from buckets.values()

    def _read_ahead(self, dataset):
        """(index, future of `prepare`), a few images ahead, in order."""
        with ThreadPoolExecutor(self.workers) as pool:
            waiting = deque()
            for index in range(len(dataset)):
                waiting.append((index, pool.submit(self.prepare, dataset, index)))
                if len(waiting) > self.workers:
                    yield waiting.popleft()
            yield from waiting

    def _call(self, images):
        """Predictions of images of one shape."""
        self.shapes.add(images[0].shape)
        return self.predict(filled(np.stack(images), self.batch_size))[: len(images)]

    def _resized(self, name, sample, prediction):
        if not np.isfinite(prediction).all():
            hint = "the weights are damaged, or float16 overflows: --amp_level O0"
            raise RunError(f"{name}: the prediction is not finite; {hint}")
        width, height = sample.order.size if sample.order else sample.depth.shape[::-1]
        return resize_prediction(prediction, height, width, self.protocol.half_pixel)

    def _score(self, dataset, bucket):
        rows = []
        for (index, sample, image), raw in zip(bucket, self._call([entry[2] for entry in bucket])):
            prediction = self._resized(dataset.name(index), sample, raw)
            score = score_sample(dataset, sample, prediction)
            rows.append(Row(index, dataset.name(index), score, image.shape[1:]))
        return rows


def score_sample(dataset, sample, prediction):
    """Score of a prediction at the size of the sample's depth (DIW: of its annotation)."""
    if sample.order:
        return order_score(prediction, sample.order.points, sample.order.relation)
    return depth_score(prediction, sample.depth, sample.mask, dataset.cap, dataset.metric)


def mean_of(dataset, scores, protocol):
    """Mean of a dataset's metric.

    Args:
        scores: list of (image name, Score).
        protocol: its skip_empty says what an image without a valid pixel does.
    Returns:
        (mean, names of the images that were left out).
    Raises:
        InputError: every image was left out.
    """
    values = [score.value for _, score in scores]
    empty = [name for name, score in scores if not score.valid_pixels]
    if not protocol.skip_empty:
        # The original: 0 / 0 for the percentages, a guard that returns 0 for abs rel.
        values = [0.0 if math.isnan(v) and dataset.metric == "abs_rel" else v for v in values]
        return float(np.mean(values)), []
    if len(empty) == len(scores):
        hint = f"depth must be within 0..{dataset.cap} m somewhere, e.g. in {empty[0]}"
        raise InputError(f"{dataset.title}: no image has a valid pixel; {hint}")
    return float(np.nanmean(values)), empty
