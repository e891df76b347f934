"""The pages of an evaluation: depth, flow, motion, each beside what looks at no image."""

import numpy as np

from ..model_utils.panels import worth_a_look
from ..model_utils.report import Page
from ..sfm_utils.report_parts import STRAIGHT, add_depth, add_motion, straight_path
from ..sfm_utils.snippets import geonet_target_snippets, snippet_ate
from ..sfm_utils.trajectories import score_trajectory

_COUNT = 3  # of the worst and of the best scenes
_MOTION = ("ate_mean", "ate_rmse", "rotation_degrees")
_HIGHER = ("noc_accuracy", "occ_accuracy")  # the other metrics of flow are errors
_RIVALS = (
    "Mean map and mean flow look at no image, but they are computed from the very truth that is "
    "evaluated here: they know the answers, on average. noc: pixels that both images see, occ: all."
)


def write_depth_page(place, split, results):
    """Write the report of a test set of depth.

    Args:
        place: ReportPlace.
        split: eigen or stereo.
        results: DepthResults.
    """
    text = f"{len(results.scores)} test images of the split {split}. "
    page = Page("GeoNet: depth on KITTI", f"{text}Depth is learnt from video alone, up to scale.")
    add_depth(page, results, place.metrics_csv)
    page.this_command()
    page.write(place.path)


def write_flow_page(place, columns, scenes, errors, picture):
    """Write the report of optical flow.

    Args:
        place: ReportPlace.
        columns: {rival: {metric: value}}.
        scenes: their names.
        errors: end-point error of all pixels of each, pixels.
        picture: function of a scene's place -> Picture.
    """
    text = f"{len(scenes)} scenes of the stereo benchmark of 2015. Errors in pixels, Fl in percent."
    page = Page("GeoNet: optical flow on KITTI", text)
    page.table("Metrics", columns, _HIGHER, _RIVALS)
    chosen, _ = worth_a_look(errors, scenes, "end-point error", _COUNT)
    pictures = [(caption, picture(number)) for caption, number in chosen]
    note = "The colour tells the direction of the flow, the scale below is that of the error."
    page.pictures("Worst and best scenes", pictures, note)
    page.histograms("Errors of the scenes", {"end-point error in pixels": errors})
    page.curves(place.metrics_csv)
    page.this_command()
    page.write(place.path)


def write_motion_page(place, name, truth, numbers, ates, plot):
    """Write the report of a sequence.

    Args:
        place: ReportPlace.
        name: of the sequence.
        truth: (world_from_camera (N, 4, 4), frames of a snippet).
        numbers: {metric: value} of the prediction.
        ates: of its snippets, None where one does not count.
        plot: PNG of the paths.
    """
    poses, length = truth
    columns = {"network": {row: numbers[row] for row in _MOTION}}
    columns[STRAIGHT] = dict(zip(_MOTION, _straight(poses, length)))
    text = f"{len(poses)} frames of {name}, in snippets of {length}. Metres; degrees per frame."
    page = Page("GeoNet: motion on KITTI", text)
    add_motion(page, columns, [*ates], plot, place.metrics_csv)
    page.this_command()
    page.write(place.path)


def _straight(poses, length):
    """The errors of a camera that drives straight on, in the order of _MOTION."""
    path = straight_path(len(poses))
    pairs = zip(*(geonet_target_snippets(one, length) for one in (poses, path)))
    ates = [snippet_ate(true[:, :3, 3], found[:, :3, 3]) for true, found in pairs]
    score = score_trajectory(poses, path)
    return float(np.mean(ates)), score.ate_rmse, score.rotation_degrees
