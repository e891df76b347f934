"""What the evaluation of a test set prints and writes; lines and names are the original's."""

import csv
import io
import json
from pathlib import Path

from ..model_utils.files import write_bytes
from ..model_utils.images import write_png
from ..model_utils.metrics import NAMES
from ..sfm_utils.depth_evaluation import (
    STEREO_SCALE,
    benchmark_image,
    mean_metrics,
    monodepth2_lines,
    score_depth,
)
from .protocols import StereoProtocol


def write_benchmark(disparities, folder, factor=STEREO_SCALE):
    """Write what KITTI's server takes: benchmark_predictions/0000000000.png ..., 16 bits."""
    folder = Path(folder) / "benchmark_predictions"
    print(f"-> Saving out benchmark predictions to {folder}")
    for number, disparity in enumerate(disparities):
        write_png(folder / f"{number:010d}.png", benchmark_image(disparity, factor))
    print("-> No ground truth is available for the KITTI benchmark, so not evaluating. Done.")


def score_all(disparities, targets, frames, protocol):
    """A DepthScore for each frame; prints the original's lines."""
    print("-> Evaluating")
    if protocol.median:
        print("   Mono evaluation - using median scaling")
    else:
        kind = "Stereo" if isinstance(protocol, StereoProtocol) else "Mono"
        factor = f"scaling by {protocol.factor:g}"
        print(f"   {kind} evaluation - disabling median scaling, {factor}")
    rows = zip(disparities, targets, frames)
    scores = [score_depth(one, target, protocol, _name(frame)) for one, target, frame in rows]
    lines = monodepth2_lines(scores, protocol)
    print("\n".join([*lines[:-2], "", *lines[-2:]]))
    print("\n-> Done!", flush=True)
    return scores


def _name(frame):
    return f"{frame.folder} {frame.index}"


def write_reports(scores, frames, places):
    """Write the mean metrics as JSON, and a CSV line for each image.

    Args:
        scores: a DepthScore per frame.
        frames: of `test_frames`.
        places: Places.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["frame", *NAMES, "valid_pixels", "ratio"])
    for frame, score in zip(frames, scores):
        values = (score.metrics[key] for key in NAMES)
        writer.writerow([_name(frame), *values, score.valid_pixels, score.ratio])
    write_bytes(places.csv_file, text.getvalue().encode())
    means = {**mean_metrics(scores), "images": len(scores)}
    write_bytes(places.metrics_json, (json.dumps(means, indent=1) + "\n").encode())
    print(f"wrote {places.metrics_json} and {places.csv_file}")
