"""The worst and the best images of a test set: image, prediction, ground truth, error."""

from pathlib import Path

from ..model_utils.images import write_png
from ..model_utils.panels import worst_and_best
from ..sfm_utils.report_parts import in_two_rows


def write_panels(folder, results, count):
    """Write the worst and the best images as <worst|best><n>.png.

    Args:
        folder: where to; it is made.
        results: DepthResults.
        count: how many of each end.
    """
    errors = [score.metrics["abs_rel"] for score in results.scores]
    for word, place, number in worst_and_best(errors, count):
        write_png(Path(folder) / f"{word}{place + 1}.png", in_two_rows(results.picture(number)))
