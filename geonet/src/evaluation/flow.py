"""Optical flow of strips of frames, predicted with a network (test_flow).

Lines and files are those of the original's geonet_test_flow.py.
"""

import re
from pathlib import Path

import numpy as np

from ..datasets.strip_files import StripSize, find_strips
from ..datasets.strips import Strips
from ..model_utils.batches import batched, show_progress
from ..model_utils.errors import InputError
from ..model_utils.files import is_file
from ..sfm_utils.flow_files import write_flo, write_flow_colors, write_flow_png
from .flow_scoring import FlowTruth, score
from .reading import read_ahead

LIST = "test_flow.txt"
_NUMBER = re.compile(r"\d{1,6}", re.A)
_SAY_EVERY = 100  # strips between lines of progress, as in the original


def open_strips(dataset_dir, size, seq_length):
    """The strips to predict, and the names of their predictions.

    The original numbers predictions by their place in the list. In its own list that is the number
    of the scene as well; where scenes are missing it is the scene's number here, by which the
    ground truth is found.

    Args:
        dataset_dir: folder with test_flow.txt, of prepare/generate_multiview_extension.py.
        size: (height, width) of a frame.
        seq_length: frames of a strip.
    Returns:
        (Strips, names such as 000000).
    Raises:
        InputError: the list or a strip is missing or damaged.
    """
    path = Path(dataset_dir, LIST)
    if not is_file(path):
        raise InputError(f"{path} is missing; prepare/generate_multiview_extension.py writes it")
    size = StripSize(*size, seq_length)
    strips = Strips(find_strips(path, size), size)
    places = [Path(strips.name(number)) for number in range(len(strips))]
    stems = [place.stem for place in places]
    one_folder = len({place.parent for place in places}) == 1
    if one_folder and len(set(stems)) == len(stems) and all(map(_NUMBER.fullmatch, stems)):
        return strips, [f"{int(stem):06d}" for stem in stems]
    return strips, [f"{number:06d}" for number in range(len(strips))]


def test(model, dataset_dir, gt_flow_dir, bgr, places, workers, panels, report=None):
    """Predict the flow of strips, and compare it with the truth if that is given (test_flow).

    Args:
        model: Model.
        dataset_dir: see `open_strips`.
        gt_flow_dir: folder of the stereo benchmark of 2015; "": nothing is compared.
        bgr: feed colours in the order BGR, as the original does; its training fed RGB.
        places: Places; the folder gets <name of the weights>/{binary,png,color}/.
        workers: threads that read strips.
        panels: (how many of the worst and of the best scenes to draw, folder for them).
        report: ReportPlace, or None.
    Raises:
        InputError: the weights do not serve, or a file is missing or damaged.
    """
    model.check("flow")
    if report and not gt_flow_dir:
        raise InputError("report: without gt_flow_dir nothing is scored; give it")
    strips, names = open_strips(dataset_dir, model.size, model.facts.seq_length)
    truth = FlowTruth(gt_flow_dir) if gt_flow_dir else None
    if truth:
        truth.check_names(names, f"{dataset_dir}/{LIST}")
    folder = places.folder / model.name
    places.check(folder)
    for flow, name in zip(predict(model, strips, bgr, workers), names):
        write_flo(folder / "binary" / f"{name}.flo", flow)
        write_flow_png(folder / "png" / f"{name}.png", flow)
        write_flow_colors(folder / "color" / f"{name}.png", flow)
    print(f"wrote {len(names)} flows to {folder}", flush=True)
    if truth:
        score(truth, folder, places, panels, report)
        return
    command = f"--mode eval_flow --dataset_dir KITTI --pred_dir {folder}"
    print(f"to evaluate them: python eval.py {command}", flush=True)


def predict(model, strips, bgr, workers):
    """The flow of each strip from its middle frame to the next one.

    Args:
        model: Model.
        strips: Strips.
        bgr: see `test`.
        workers: threads that read strips.
    Returns:
        An iterator of (H, W, 2) float32, pixels.
    """
    flow_of, done = model.flow(), 0
    progress = show_progress("strips")
    for part in batched(read_ahead(strips.load, range(len(strips)), workers), model.batch_size):
        frames = [np.concatenate([sample["target"], sample["sources"]]) for sample in part]
        cameras = (np.stack([sample[key] for sample in part]) for key in ("K", "inv_K"))
        yield from flow_of(_swapped(np.stack(frames)) if bgr else np.stack(frames), *cameras)
        before, done = done, done + len(part)
        if before // _SAY_EVERY < done // _SAY_EVERY:
            print(f"processing: {done - done % _SAY_EVERY}/{len(strips)}", flush=True)
        progress(done, len(strips))


def _swapped(images):
    """Red and blue exchanged in each frame of (B, 3 L, H, W)."""
    frames = images.reshape(len(images), -1, 3, *images.shape[2:])
    return frames[:, :, ::-1].reshape(images.shape)
