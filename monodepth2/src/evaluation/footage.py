"""Own footage: how much of the change between frames a model explains, and depth where it is known.

The last frames of each sequence, which training left out, are rebuilt from their neighbours, or
from the other camera's image, by the predicted depth and motion. Their error is compared with that
of the same images as they are.
"""

import csv
import io
import json
import math
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..datasets.footage import FootageFrames, open_sequences
from ..model_utils.errors import InputError
from ..model_utils.files import is_file, write_bytes
from ..model_utils.images import colorize, enlarge, read_png, value_range, write_png
from ..model_utils.media import show_progress
from ..model_utils.metrics import NAMES
from ..model_utils.panels import panel, worst_and_best
from ..model_utils.report import Picture
from ..sfm_utils.depth_evaluation import EIGEN_BENCHMARK, DepthScore, mean_metrics, score_depth
from ..sfm_utils.trajectories import Trajectory, chain_poses, write_tum
from ..sfm_utils.trajectory_plot import draw_trajectories
from .page import write_footage_page
from .predicting import read_planes
from .rebuilding import Rebuilding, sources_of

_DEPTH_UNIT = 256  # of the ground truth's 16 bits: levels per metre
_COLUMNS = ("sequence", "frame", "error", "error_unwarped", *NAMES, "ratio")
_TILE = 240  # pixels: a tile is no narrower, for its title


class Result(NamedTuple):
    """A held-out frame: number `index` of `frames`, its mean errors, and its DepthScore or None."""

    frames: FootageFrames
    index: int
    error: float
    unwarped: float
    score: DepthScore

    @property
    def sequence(self):
        """The name of its sequence."""
        return self.frames.sequences[0].name

    @property
    def file(self):
        """Its image."""
        return self.frames.path(self.index, 0)


class Truth:
    """The true depth of frames, and how predictions are scaled to be compared with it.

    Args:
        folder: with <sequence>/<frame>.png or <frame>.png, 16 bits, 256 levels a metre; "": none.
        mono, stereo: eval_mono and eval_stereo; without them depth that is metric is taken as it
            is, other is scaled by medians.
        metric_scale: metres per unit of the weights' depth, or None.
    Raises:
        InputError: both mono and stereo, or stereo for weights that are not metric.
    """

    def __init__(self, folder, metric_scale, *, mono=False, stereo=False):
        if mono and stereo:
            raise InputError("Please choose one of --eval_mono and --eval_stereo, or neither")
        if stereo and metric_scale is None:
            raise InputError("eval_stereo: the depth of these weights is not metric; use eval_mono")
        self.folder, is_median = folder, mono or metric_scale is None
        factor = 1.0 if is_median else metric_scale
        self.protocol = replace(EIGEN_BENCHMARK, median=is_median, factor=factor)

    def score(self, sequence, file, disparity):
        """The DepthScore of a prediction (h, w); None where there is no true depth.

        Raises:
            InputError: the file is damaged.
        """
        places = (sequence, Path(sequence).stem, "") if self.folder else ()
        paths = (Path(self.folder, place, f"{file.stem}.png") for place in places)
        path = next(filter(is_file, paths), None)
        if path is None:
            return None
        depth = np.float32(read_png(path, 16)) / _DEPTH_UNIT
        return score_depth(disparity, depth, self.protocol, str(path))


def evaluate(
    model,
    data_path,
    camera,
    places,
    truth,
    *,
    frame_step,
    val_share,
    panels=0,
    panels_path="",
    report=None,
):
    """Evaluate each sequence; print a line of it, write its path, the numbers, panels.

    Args:
        model: Model.
        data_path, camera, frame_step, val_share: see `open_sequences`; as in the training.
        places: Places; the folder gets trajectory_<sequence>.txt (TUM) and .png.
        truth: Truth.
        panels: how many of the worst and of the best frames to draw.
        panels_path: folder for them.
        report: ReportPlace, or None.
    Raises:
        InputError: bad footage or ground truth, or weights that can rebuild no frame.
    """
    places.check(True)
    sources = sources_of(model, camera.baseline)
    own = {"frame_step": frame_step, "val_share": val_share, "sources": sources}
    with tempfile.TemporaryDirectory() as cache:
        sequences = open_sequences(data_path, camera, cache=cache, size=model.size, **own)
        pose_cell = model.pose() if 1 in sources else None
        rebuilding = Rebuilding(model.disparity(), pose_cell, model.size, sources)
        print("-> Computing predictions with size {1}x{0}".format(*model.size), flush=True)
        results, numbers = [], {}
        for sequence in sequences:
            frames = FootageFrames([sequence], is_val=True)
            found, steps = evaluate_sequence(rebuilding, frames, truth)
            numbers[sequence.name] = summary(found)
            _say(sequence.name, numbers[sequence.name])
            if steps:
                write_path(places.folder, sequence, frames, steps, model.metric_scale or 1.0)
            results += found
        if truth.folder and not any(result.score for result in results):
            text = f"has no depth of a held-out frame ({results[0].file.stem}.png ...)"
            raise InputError(f"gt_depth_path {truth.folder} {text}")
        write_numbers(results, numbers, places)
        write_panels(panels_path, rebuilding, results, panels)
        if report:

            def picture(result):
                maps = rebuilding.maps(result.frames, result.index)
                return maps, picture_of(maps, result.file)

            write_footage_page(report, picture, results, numbers)
    print("\n-> Done!", flush=True)


def evaluate_sequence(rebuilding, frames, truth):
    """Every held-out frame of a sequence.

    Args:
        rebuilding: Rebuilding.
        frames: FootageFrames of one sequence.
        truth: Truth.
    Returns:
        (list of Result, list of next_from_this (4, 4); empty without poses).
    """
    results, steps, name = [], [], frames.sequences[0].name
    progress = show_progress(name)
    for index in range(len(frames)):
        maps = rebuilding.maps(frames, index)
        score = truth.score(name, frames.path(index, 0), maps.disparity)
        errors = float(maps.error.mean()), float(maps.unwarped.mean())
        results.append(Result(frames, index, *errors, score))
        steps += [] if maps.next_from_this is None else [maps.next_from_this]
        progress(index + 1, len(frames))
    return results, steps


def write_path(folder, sequence, frames, steps, metric_scale):
    """Write the camera's path through the held-out frames; a pose's time is its frame's number.

    Args:
        folder: gets trajectory_<sequence>.txt and .png.
        sequence: FootageSequence.
        frames: its held-out frames.
        steps: next_from_this of each of them, to the neighbour `selection.step` kept frames later.
        metric_scale: multiplies the way.
    """
    kept, step, first = sequence.selection.kept, sequence.selection.step, frames.places[0][1]
    chosen = range(first, first + len(steps), step)
    poses = chain_poses(np.stack(steps[::step]))
    poses[:, :3, 3] *= metric_scale
    numbers = [kept[place] for place in (*chosen, chosen[-1] + step)]
    stem = folder / f"trajectory_{Path(sequence.name).stem}"
    write_tum(f"{stem}.txt", Trajectory(np.float64(numbers), poses))
    draw_trajectories(f"{stem}.png", {sequence.name: poses})


def summary(results):
    """The means of the frames of a sequence, and the part of the change that is explained."""
    error, unwarped = (
        float(np.mean([getattr(result, name) for result in results]))
        for name in ("error", "unwarped")
    )
    found = {"frames": len(results), "error": error, "error_unwarped": unwarped}
    found["explained"] = 1 - error / unwarped if unwarped else 0.0
    scores = [result.score for result in results if result.score]
    return found | ({"frames_with_depth": len(scores), **mean_metrics(scores)} if scores else {})


def _say(name, found):
    print(
        f"{name}: {found['frames']} held-out frames, photometric error {found['error']:.4f}, "
        f"{found['error_unwarped']:.4f} without depth and motion: "
        f"{100 * found['explained']:.1f} % explained"
    )
    if "abs_rel" in found:
        print("   " + ", ".join(f"{name} {found[name]:.3f}" for name in NAMES), flush=True)


def write_numbers(results, numbers, places):
    """Write {sequence: means} as JSON, and a CSV line for each frame."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for result in results:
        score = result.score
        values = [*score.metrics.values(), score.ratio] if score else [""] * (len(NAMES) + 1)
        frame = result.sequence, result.file.stem, result.error, result.unwarped
        writer.writerow([*frame, *values])
    write_bytes(places.metrics_json, (json.dumps(numbers, indent=1) + "\n").encode())
    write_bytes(places.csv_file, text.getvalue().encode())
    print(f"wrote {places.metrics_json} and {places.csv_file}")


def write_panels(folder, rebuilding, results, count):
    """Write the worst and the best frames as <worst|best><n>.png.

    Args:
        folder: where to; it is made.
        rebuilding: Rebuilding, which predicts the chosen frames again.
        results: list of Result.
        count: how many of each end.
    """
    for word, place, number in worst_and_best([result.error for result in results], count):
        result = results[number]
        drawn = panel(*picture_of(rebuilding.maps(result.frames, result.index), result.file))
        write_png(Path(folder) / f"{word}{place + 1}.png", drawn)


def picture_of(maps, file):
    """Picture of a frame: image, disparity, the errors with and without depth and motion."""
    most = max(float(maps.unwarped.max()), 1e-6)
    height, width = maps.disparity.shape
    tiles = {
        "image": read_planes(file, height, width).transpose(1, 2, 0),
        "disparity": colorize(maps.disparity, *value_range(maps.disparity)),
        "error": colorize(maps.error, 0, most),
        "without depth and motion": colorize(maps.unwarped, 0, most),
    }
    factor = math.ceil(_TILE / width)
    wide = [(name, enlarge(tile, factor * height, factor * width)) for name, tile in tiles.items()]
    return Picture(wide, 0, most, "error")
