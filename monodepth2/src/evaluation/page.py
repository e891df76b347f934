"""The pages of an evaluation: test sets of depth, sequences of odometry, own footage."""

from ..model_utils.panels import worth_a_look
from ..model_utils.report import Page
from ..model_utils.report_charts import back_project
from ..sfm_utils.report_parts import STRAIGHT, add_depth, add_motion, straight_path
from ..sfm_utils.rotations import inverse_pose, steps_of
from ..sfm_utils.snippets import evaluate_monodepth2_snippets
from ..sfm_utils.trajectories import score_trajectory

_COUNT = 3  # of the worst and of the best frames
_ROWS = ("snippet_ate", "ate_rmse", "rotation_degrees")


def write_depth_page(place, split, results):
    """Write the report of a test set of depth.

    Args:
        place: ReportPlace.
        split: the test set.
        results: DepthResults.
    """
    text = f"{len(results.scores)} test images of the split {split}. "
    text += "Depth is learnt from how images explain each other, never from depth."
    page = Page("Monodepth2: depth on KITTI", text)
    add_depth(page, results, place.metrics_csv)
    page.this_command()
    page.write(place.path)


def write_motion_page(place, split, truth, numbers, ates, plot):
    """Write the report of a sequence.

    Args:
        place: ReportPlace.
        split: odom_9 or odom_10.
        truth: world_from_camera (N, 4, 4).
        numbers: {metric: value} of the prediction.
        ates: of its snippets.
        plot: PNG of the paths.
    """
    path = straight_path(len(truth))
    snippets = evaluate_monodepth2_snippets(truth, inverse_pose(steps_of(path)))
    score = score_trajectory(truth, path)
    straight = snippets.mean, score.ate_rmse, score.rotation_degrees
    columns = {
        "network": {row: numbers[row] for row in _ROWS},
        STRAIGHT: dict(zip(_ROWS, straight)),
    }
    text = f"{len(truth)} frames of the sequence {split}. Metres; degrees from frame to frame."
    page = Page("Monodepth2: motion on KITTI", text)
    add_motion(page, columns, ates, plot, place.metrics_csv)
    page.this_command()
    page.write(place.path)


def write_footage_page(place, picture_of, results, numbers):
    """Write the report of own footage.

    Args:
        place: ReportPlace.
        picture_of: function of a result -> (Maps, Picture) of its frame.
        results: list of footage.Result.
        numbers: {sequence: means of its frames}.
    """
    columns = {
        "network": {name: found["error"] for name, found in numbers.items()},
        "images as they are": {name: found["error_unwarped"] for name, found in numbers.items()},
    }
    errors = [result.error for result in results]
    names = [f"{result.sequence} {result.file.stem}" for result in results]
    chosen, middle = worth_a_look(errors, names, "photometric error", _COUNT)
    text = f"{len(results)} frames that training left out, rebuilt from other images by depth and "
    page = Page("Monodepth2: own footage", f"{text}motion.")
    page.table("Photometric error", columns, note="Of the same images as they are: a still camera.")
    pictures = [(caption, picture_of(results[number])[1]) for caption, number in chosen]
    page.pictures("Worst and best frames", pictures)
    page.histograms("Errors of the frames", {"photometric error": errors})
    page.curves(place.metrics_csv)
    maps, picture = picture_of(results[middle])
    K = results[middle].frames.matrix(results[middle].index, *maps.disparity.shape, False)
    camera = K[0, 0], K[1, 1], K[0, 2], K[1, 2]
    text = f"Predicted depth of the frame with the median error, {names[middle]}, up to scale."
    points = back_project(1 / maps.disparity, picture.tiles[0][1], camera)
    page.cloud("Point cloud", *points, text)
    page.this_command()
    page.write(place.path)
