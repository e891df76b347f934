"""Optical flow compared with the truth of the stereo benchmark of 2015 (eval_flow).

Lines, files and numbers are those of the original's eval_flow.py.
"""

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..model_utils.errors import InputError
from ..model_utils.files import is_file, write_bytes
from ..model_utils.media import show_progress
from ..model_utils.rivals import MEAN_MAP, MeanMap
from ..sfm_utils.flow_evaluation import FlowScore, flow_line, flow_summary, score_flow
from ..sfm_utils.flow_files import read_flow_png
from .page import write_flow_page
from .panels import flow_picture, write_panels

RESULT = "flow_result.txt"
_KINDS = ("noc", "occ")
_TRUE_NAME = re.compile(r"(\d{6})_10\.png", re.A)
_CONSTANT = "mean flow"  # the constant of least squared error
_ARCHIVE = "data_scene_flow.zip"


class FlowTruth:
    """The true flow of the stereo benchmark of 2015, whose scenes are predictions' names.

    Args:
        root: folder with training/flow_noc and training/flow_occ.
    Raises:
        InputError: it has no scene, or not both files of one.
    """

    def __init__(self, root):
        self.folders = {kind: Path(root, "training", f"flow_{kind}") for kind in _KINDS}
        self.root, first = Path(root), self.folders["noc"]
        matches = [_TRUE_NAME.fullmatch(path.name) for path in first.glob("*_10.png")]
        self.scenes = sorted(match[1] for match in matches if match)
        unpack = f"unpack KITTI's {_ARCHIVE} in {root}"
        if not self.scenes:
            raise InputError(f"{first} holds no 000000_10.png ...; {unpack}")
        lost = [path for scene in self.scenes if not is_file(path := self.path("occ", scene))]
        if lost:
            raise InputError(f"{lost[0]} is missing; {unpack}")

    def check_names(self, names, place):
        """Before anything is computed: every scene will be predicted.

        Args:
            names: of the predictions.
            place: the list that has them, for the error.
        Raises:
            InputError: a scene is not among them.
        """
        lost = sorted(set(self.scenes) - set(names))
        if lost:
            text = f"{len(lost)} of {len(self.scenes)} scenes, first {lost[0]}, are not in {place}"
            raise InputError(f"gt_flow_dir {self.root}: {text}")

    def path(self, kind, scene):
        """The path of a scene's true flow, kind noc or occ."""
        return self.folders[kind] / f"{scene}_10.png"

    def image(self, scene):
        """The path of a scene's image."""
        return self.root / "training" / "image_2" / f"{scene}_10.png"

    def read(self, kind, scene):
        """(flow (H, W, 2), valid (H, W)), kind noc or occ; see `read_flow_png`."""
        return read_flow_png(self.path(kind, scene))


class SceneScores(NamedTuple):
    """One scene: FlowScore of the pixels that both images see, and of all."""

    noc: FlowScore
    occ: FlowScore


def evaluate_files(dataset_dir, pred_dir, places, panels, report=None):
    """Compare the flows of a folder with the ground truth (eval_flow).

    Args:
        dataset_dir: folder of the stereo benchmark of 2015.
        pred_dir: folder with png/000000.png ..., of test_flow.
        places: Places.
        panels: (how many of the worst and of the best scenes to draw, folder for them).
        report: ReportPlace, or None.
    Raises:
        InputError: a file is missing or damaged.
    """
    truth = FlowTruth(dataset_dir)
    check_predictions(truth, pred_dir)
    score(truth, pred_dir, places, panels, report)


def check_predictions(truth, pred_dir):
    """The folder holds the prediction of each scene; it may hold more.

    Raises:
        InputError: some are missing.
    """
    paths = [_predicted(pred_dir, scene) for scene in truth.scenes]
    lost = [path for path in paths if not is_file(path)]
    if lost:
        text = f"{len(lost)} of {len(paths)} predictions are missing, first {lost[0]}"
        raise InputError(f"{text}; --mode test_flow writes them: give the folder that holds png/")


def _predicted(pred_dir, scene):
    return Path(pred_dir, "png", f"{scene}.png")


def score(truth, pred_dir, places, panels, report=None):
    """Print the original's four lines; write flow_result.txt, the numbers, panels, the report.

    Args:
        truth: FlowTruth.
        pred_dir, places, panels, report: see `evaluate_files`.
    Raises:
        InputError: a file is damaged.
    """
    places.check(Path(pred_dir))
    wanted = "save_panels" if panels[0] else "report"
    if (panels[0] or report) and not is_file(path := truth.image(truth.scenes[0])):
        raise InputError(f"{path}, which {wanted} draws, is missing; leave {wanted} out")
    scores, progress = [], show_progress("ground truth")
    for number, scene in enumerate(truth.scenes):
        scores.append(_score_scene(truth, scene, _predicted(pred_dir, scene)))
        progress(number + 1, len(truth.scenes))
    lines = [flow_line(int(scene), *found) for scene, found in zip(truth.scenes, scores)]
    write_bytes(Path(pred_dir, RESULT), "".join(f"{line}\n" for line in lines).encode())
    print("\n".join(flow_summary(*zip(*scores))))
    means = means_of(scores)
    print(f"Fl: {means['noc_fl']:.2f} % noc, {means['occ_fl']:.2f} % occ", flush=True)
    rows = [_row(*pair) for pair in zip(truth.scenes, scores)]
    places.write(rows, {**means, "images": len(scores)})
    _draw(truth, pred_dir, scores, panels, report)


def means_of(scores):
    """{metric: mean} of SceneScores."""
    return {
        f"{kind}_{key}": float(np.mean([getattr(getattr(one, kind), key) for one in scores]))
        for kind in _KINDS
        for key in ("epe", "accuracy", "fl")
    }


def _draw(truth, pred_dir, scores, panels, report):
    """Write panels and the report, if they are wanted."""

    def picture(number):
        scene = truth.scenes[number]
        predicted = read_flow_png(_predicted(pred_dir, scene))[0]
        return flow_picture(truth.image(scene), predicted, *truth.read("occ", scene))

    errors = [found.occ.epe for found in scores]
    if panels[0]:
        write_panels(panels, picture, errors)
    if report:
        columns = {"network": means_of(scores), **rival_means(truth)}
        write_flow_page(report, columns, truth.scenes, errors, picture)


def rival_means(truth):
    """{rival: means} of flows that look at no image, made from the flow they are scored against.

    Args:
        truth: FlowTruth.
    """
    average, every = MeanMap(), MeanMap((1, 1))
    for scene in truth.scenes:
        flow, valid = truth.read("occ", scene)
        average.add(flow, valid)
        every.add(flow, valid)
    found = {}
    for name, mean in {MEAN_MAP: average, _CONSTANT: every}.items():
        scores = []
        for scene in truth.scenes:
            truths = [truth.read(kind, scene) for kind in _KINDS]
            flow = mean.resized(*truths[0][0].shape[:2])
            scores.append(SceneScores(*(score_flow(flow, *one, scene) for one in truths)))
        found[name] = means_of(scores)
    return found


def _score_scene(truth, scene, path):
    predicted, found = read_flow_png(path)[0], []
    for kind in _KINDS:
        name = f"{path} against {truth.path(kind, scene)}"
        found.append(score_flow(predicted, *truth.read(kind, scene), name))
    return SceneScores(*found)


def _row(scene, found):
    """A scene's line in the CSV file."""
    kinds = zip(_KINDS, found)
    values = {
        f"{kind}_{key}": getattr(one, key)
        for kind, one in kinds
        for key in ("epe", "accuracy", "fl")
    }
    return {"scene": scene, **values}
