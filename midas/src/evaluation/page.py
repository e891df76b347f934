"""The page of a zero-shot evaluation: the network beside what looks at no image, and pictures."""

import numpy as np

from ..metrics import METRICS, align
from ..model_utils.batches import show_progress
from ..model_utils.panels import worth_a_look
from ..model_utils.report import Page, with_error
from ..model_utils.report_charts import back_project
from ..model_utils.rivals import CONSTANT, KNOWS_THE_ANSWERS, MEAN_MAP
from .panels import picture_of, shown_image
from .rivals import mean_inverse_depth, rival_errors

FIELD_OF_VIEW = 60.0  # degrees: the data sets' cameras differ, relative depth has none
_COUNT = 2  # of the worst and of the best images of a data set
_LEAST = 1e-9  # inverse depth


def write_page(place, evaluator, datasets, predicts, reports):
    """Write the report of an evaluation.

    Args:
        place: ReportPlace.
        evaluator: Evaluator, which predicts the chosen images again.
        datasets: {name: dataset}.
        predicts: {name: function of a batch}.
        reports: list of Report, in the order of the data sets.
    """
    text = "Relative depth: scale and shift of each prediction are fitted to the truth."
    page = Page("MiDaS: zero-shot evaluation", f"{' '.join(datasets)}. {text}")
    page.table("Metrics", _columns(evaluator, datasets, reports), note=_note(datasets))
    cloud = None
    for (name, dataset), report in zip(datasets.items(), reports):
        evaluator.predict = predicts[name]
        row = _add_dataset(page, evaluator, dataset, report)
        if cloud is None and dataset.metric != "whdr":
            cloud = _cloud(evaluator, dataset, row)
    page.histograms("Errors of the images", dict(map(_errors, reports)))
    page.curves(place.metrics_csv)
    if cloud:
        page.cloud("Point cloud", *cloud)
    page.this_command()
    page.write(place.path)


def _columns(evaluator, datasets, reports):
    """{rival: {data set and metric: error}}."""
    columns = {"network": {}, MEAN_MAP: {}, CONSTANT: {}}
    progress = show_progress("rivals, data sets")
    for number, (dataset, report) in enumerate(zip(datasets.values(), reports), 1):
        name = _label(report)
        columns["network"][name] = report.value
        indices = [row.index for row in report.rows]
        average = mean_inverse_depth(evaluator, dataset, indices)
        for rival, error in rival_errors(evaluator, dataset, average, indices).items():
            columns[rival][name] = error
        progress(number, len(datasets))
    return columns


def _note(datasets):
    """What the table's rivals are."""
    text = f"{KNOWS_THE_ANSWERS} They are fitted to each image as the network is."
    return f"{text} DIW has no depth: a coin is thrown." if "DIW" in datasets else text


def _add_dataset(page, evaluator, dataset, report):
    """Add pictures and errors of a data set; the Row of the median error."""
    label, rows = METRICS[report.metric][0], report.rows
    errors = [row.score.value for row in rows]
    chosen, middle = worth_a_look(errors, [row.name for row in rows], label, _COUNT)
    pictures = []
    for caption, number in chosen:
        sample, prediction = evaluator.predict_one(dataset, rows[number].index)
        picture = picture_of(dataset, sample, prediction)
        pictures.append((caption, _with_error(picture, sample, prediction)))
    page.pictures(f"{report.title}: worst and best images", pictures, "Near is bright.")
    return rows[middle]


def _errors(report):
    """(data set and metric, errors of its images)."""
    return _label(report), [row.score.value for row in report.rows]


def _label(report):
    return f"{report.title} {METRICS[report.metric][0]}"


def _with_error(picture, sample, prediction):
    """The picture, and the relative error of the aligned depth where there is one."""
    if sample.order:
        return picture
    truth = np.where(sample.mask, sample.depth, np.nan)
    return with_error(picture, np.abs(aligned_depth(sample, prediction) - truth) / truth)


def aligned_depth(sample, prediction):
    """(H, W) depth of a prediction whose scale and shift are fitted; 1e9 if not above 0."""
    truth = 1 / np.where(sample.mask, sample.depth, np.nan)
    scale, shift = align(prediction, truth, sample.mask)
    return 1 / np.maximum(scale * prediction + shift, _LEAST)


def _cloud(evaluator, dataset, row):
    """(points, colours, note) of a row's prediction."""
    sample, prediction = evaluator.predict_one(dataset, row.index)
    depth = aligned_depth(sample, prediction)
    height, width = depth.shape
    focal = width / 2 / np.tan(np.radians(FIELD_OF_VIEW) / 2)
    camera = focal, focal, (width - 1) / 2, (height - 1) / 2
    rgb = shown_image(dataset, sample, depth.shape)
    points = back_project(np.where(depth <= dataset.cap, depth, np.inf), rgb, camera)
    text = f"Predicted depth of {dataset.title}'s image with the median error, {row.name}, fitted "
    text += "to the truth. Relative depth knows no camera: a field of view of"
    return *points, f"{text} {FIELD_OF_VIEW:.0f} degrees is taken."
