"""Pictures of evaluation results: image, prediction and ground truth side by side."""

from pathlib import Path

import cv2
import numpy as np

from .metric import align
from .model_utils.images import colorize, panel, value_range, write_png


def chosen(rows, count):
    """The `count` worst and the `count` best rows with a value, each once: (label, row)."""
    ranked = sorted((r for r in rows if r.score.valid_pixels), key=lambda row: -row.score.value)
    worst, rest = ranked[:count], ranked[count:]
    best = rest[-count:][::-1] if count else []
    labelled = [(f"worst{i + 1}", row) for i, row in enumerate(worst)]
    return labelled + [(f"best{i + 1}", row) for i, row in enumerate(best)]


def write_panels(folder, evaluator, dataset, rows, count):
    """Write the worst and the best pictures of one dataset as <dataset>_<worst|best><n>.png.

    Args:
        folder: where to; it is made.
        evaluator: Evaluator, which predicts the chosen images again.
        rows: the Report's; `count` is how many of each end.
    """
    for label, row in chosen(rows, count):
        sample, prediction = evaluator.predict_one(dataset, row.index)
        draw = _order_panel if sample.order else _depth_panel
        picture = draw(dataset, sample, prediction)
        write_png(Path(folder) / f"{dataset.title}_{label}.png", picture)


def _picture(dataset, sample, shape):
    """The image as RGB at the size of the maps."""
    swapped = dataset.bgr_by_mistake and not dataset.protocol.rgb
    image = np.ascontiguousarray(sample.image[..., ::-1] if swapped else sample.image)
    return cv2.resize(image, shape[::-1], interpolation=cv2.INTER_AREA)


def _depth_panel(dataset, sample, prediction):
    """Disparities in 1/m on one scale, the prediction aligned to the ground truth."""
    mask = sample.mask
    truth = np.where(mask, 1 / np.where(mask, sample.depth, 1), np.nan)
    scale, shift = align(prediction, truth, mask)
    low, high = value_range(truth)
    tiles = [
        ("image", _picture(dataset, sample, mask.shape)),
        ("prediction", colorize(scale * prediction + shift, low, high)),
        ("ground truth", colorize(truth, low, high)),
    ]
    return panel(_wide(tiles), low, high, "1/m")


def _order_panel(dataset, sample, prediction):
    """The prediction beside the image with its two points; the nearer one is marked N."""
    y_a, x_a, y_b, x_b = sample.order[0]
    image = _picture(dataset, sample, prediction.shape)
    names = ("N", "F") if sample.order[1] == ">" else ("F", "N")
    for name, place in zip(names, ((x_a, y_a), (x_b, y_b))):
        cv2.drawMarker(image, place, (255, 0, 0), cv2.MARKER_CROSS, 9, 1)
        cv2.putText(image, name, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 0, 0), 1, cv2.LINE_AA)
    low, high = value_range(prediction)
    tiles = [("image", image), ("prediction", colorize(prediction, low, high))]
    return panel(_wide(tiles), low, high, "inverse depth")


def _wide(tiles, width=160):
    """Enlarge small tiles: titles and the legend need room."""
    factor = -(-width // tiles[0][1].shape[1])
    return [(title, image.repeat(factor, 0).repeat(factor, 1)) for title, image in tiles]
