"""The page of an evaluation: both stages beside what looks at no image, and pictures."""

from pathlib import Path

import numpy as np

from .. import metrics
from ..model_utils.panels import worth_a_look
from ..model_utils.report import Page, with_error
from ..model_utils.report_charts import back_project
from ..model_utils.rivals import CONSTANT, KNOWS_THE_ANSWERS, MEAN_MAP, BestConstant, MeanMap
from ..transforms import CROP, MAX_DEPTH, MIN_DEPTH

HIGHER = ("delta1_loss", "delta2_loss", "delta3_loss")  # the other metrics are errors
# fx, fy, cx, cy of the Kinect's colour camera in 640x480 pixels, from NYU's toolbox.
KINECT = 518.8579, 519.4696, 325.5824, 253.7362
_MAIN, _UNIT = "abs_relative_loss", "abs rel"
_COUNT = 3  # of the worst and of the best images


def rivals(targets, mask_invalid=False):
    """Log-depths that look at no image, of the truth that they are scored against.

    Args:
        targets: list of (1, h, w) metres, 0 where unknown.
        mask_invalid: leave unknown pixels out; else they count as 0.1 m, as in the metrics.
    Returns:
        {name: (h, w) log-depth}.
    """
    mean, constant = MeanMap(targets[0].shape[1:]), BestConstant()
    for (target,) in targets:
        seen = target > 0 if mask_invalid else np.ones_like(target, bool)
        depth = np.clip(target, MIN_DEPTH, MAX_DEPTH)
        mean.add(depth, seen)
        constant.add(depth[seen])
    average = mean.mean()
    found = {MEAN_MAP: average, CONSTANT: np.full_like(average, constant.best())}
    return {name: np.log(depth) for name, depth in found.items()}


def write_page(place, evaluator, data, result):
    """Write the report of an evaluation.

    Args:
        place: ReportPlace.
        evaluator: Evaluator, which predicts the chosen images again.
        data: NyuTest.
        result: what `Evaluator.evaluate` returned for it.
    """
    indices = {data.name(index): index for index in range(len(data))}
    rows = result["images"]
    places = [indices[row["name"]] for row in rows]
    errors = [row["fine"][_MAIN] for row in rows]
    columns = dict(reversed(result["average"].items()))
    columns |= _rival_columns(data, places, evaluator.mask_invalid)
    names = [Path(row["name"]).name for row in rows]
    chosen, middle = worth_a_look(errors, names, _UNIT, _COUNT)
    text = f"{len(rows)} test images. Depth in metres, predicted coarse and then fine."
    page = Page("DepthNet on NYU Depth v2", text)
    page.table("Metrics", columns, HIGHER, KNOWS_THE_ANSWERS)
    pictures = [(caption, _with_error(evaluator, data, places[index])) for caption, index in chosen]
    note = "The fine depth of the images with the largest and with the smallest errors."
    page.pictures("Worst and best images", pictures, note)
    page.histograms("Errors of the images", {f"{_UNIT} of the fine depth": errors})
    page.curves(place.metrics_csv)
    picture, depths = evaluator.picture(data, places[middle])
    points = back_project(depths["fine"], picture.tiles[0][1], camera_of(depths["fine"].shape))
    note = f"Predicted depth of the image with the median error, {names[middle]}, by "
    page.cloud("Point cloud", *points, f"{note}the Kinect's intrinsics.")
    page.this_command()
    page.write(place.path)


def camera_of(size):
    """fx, fy, cx, cy of NYU's cropped images in a size (height, width)."""
    top, left, height, width = CROP
    x, y = size[1] / width, size[0] / height
    fx, fy, cx, cy = KINECT
    return fx * x, fy * y, (cx - left + 0.5) * x - 0.5, (cy - top + 0.5) * y - 0.5


def _rival_columns(data, places, mask_invalid):
    """{rival: mean metrics} over the images that were scored."""
    targets = [data.load(index)["depth"] for index in places]
    columns = {}
    for name, depth in rivals(targets, mask_invalid).items():
        rows = [metrics.image_metrics(depth, one, mask_invalid=mask_invalid) for one in targets]
        columns[name] = metrics.average(rows)
    return columns


def _with_error(evaluator, data, index):
    """The panel's tiles, and the relative error of the fine depth."""
    picture, depths = evaluator.picture(data, index)
    return with_error(picture, np.abs(depths["fine"] - depths["truth"]) / depths["truth"])
