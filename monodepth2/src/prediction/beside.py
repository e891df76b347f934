"""Results beside the images, under the original's names: _disp.npy, _depth.npy, _disp.jpeg."""

import io
import itertools
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from ..model_utils.errors import InputError
from ..model_utils.files import write_bytes
from ..model_utils.images import write_npy
from ..model_utils.media import VIDEOS, Job, find_inputs
from ..sfm_utils.points import depth_of
from .metres import or_kitti_s
from .predictors import enlarged

_FORMATS = ("npy", "color")
_OURS = ("_disp.jpg", "_disp.jpeg")
_BRIGHT = 95  # percentile that gets the brightest colour


def check_formats(formats, output_path):
    """Answer a format that the original does not write beside images.

    Raises:
        InputError: one, without an output_path.
    """
    others = [name for name in formats if name not in _FORMATS]
    if others and not output_path:
        raise InputError(f"formats {' '.join(others)} are not for beside images; add --output_path")


def color_range(disparity):
    """(darkest, brightest) value of a map (H, W): its least one, and its 95th percentile."""
    return np.array([disparity.min(), np.percentile(disparity, _BRIGHT)])


def magma(disparity, low, high):
    """(H, W) disparity in matplotlib's magma, (H, W, 3) uint8 RGB.

    Of OpenCV's table, which is rounded; matplotlib's numbers are truncated, at most one level less.
    """
    parts = (disparity - low) / max(high - low, np.finfo(np.float32).tiny)
    places = np.uint8(np.clip(256 * parts, 0, 255))
    return cv2.cvtColor(cv2.applyColorMap(places, cv2.COLORMAP_MAGMA), cv2.COLOR_BGR2RGB)


class BesideImages(Job):
    """Job of disparities (1, h, w) whose files lie beside the images.

    Args:
        given: see `media.Job`; output is "".
        metric_scale: writes depth, this many metres per unit, in place of disparity.
    Raises:
        InputError: the files are nothing but results.
    """

    def __init__(self, *given, metric_scale=None):
        super().__init__(*given)
        self.metric_scale = metric_scale
        self.names = {file: file.parent / name.name for file, name in self.names.items()}

    def order(self, files):
        kept = [file for file in files if not file.name.endswith(_OURS)]
        if not kept:
            raise InputError(f"{files[0].parent} holds only results (*_disp.jpeg); give images")
        return kept

    def paths(self, stem):
        """{format: path} of the files of one image."""
        kind = "disp" if self.metric_scale is None else "depth"
        paths = {"color": Path(f"{stem}_disp.jpeg"), "npy": Path(f"{stem}_{kind}.npy")}
        return {name: path for name, path in paths.items() if name in self.formats}

    def write(self, stem, frame, values, formats):
        """The map at the network's size, (1, 1, h, w) float32; its colours at the image's size."""
        paths = self.paths(stem)
        if "npy" in formats:
            scale = self.metric_scale
            shown = values if scale is None else depth_of(values, "disparity", scale)
            write_npy(paths["npy"], shown[None])
        if "color" in formats:
            disparity = enlarged(values, *frame.image.shape[:2])
            with io.BytesIO() as jpeg:
                colors = magma(disparity, *color_range(disparity))
                Image.fromarray(colors).save(jpeg, "JPEG")
                write_bytes(paths["color"], jpeg.getvalue())

    def color(self, frame, values):
        disparity = enlarged(values, *frame.image.shape[:2])
        new, last = color_range(disparity), self.limits.get(frame.sequence)
        # As in Job: a range of its own for each frame would flicker.
        limits = new if last is None else 0.9 * last + 0.1 * new
        self.limits = {frame.sequence: limits}
        return magma(disparity, *limits)


def predict_beside(network, scale, inputs, formats, metric_depth, skip_bad=False):
    """Predict every image, then every video, with the original's files and lines.

    Args:
        network: Network of disparity.
        scale: metres per unit of depth, or None.
        inputs: see `find_inputs`.
        formats: npy, color.
        metric_depth: write depth in metres in place of disparity.
        skip_bad: leave out files that cannot be read.
    Raises:
        InputError: an unreadable file, without skip_bad; nothing but results of before.
    """
    metric_scale = or_kitti_s(scale) if metric_depth else None
    files = find_inputs(inputs)
    job = BesideImages(files, "", network, "disparity", formats, metric_scale=metric_scale)
    count = len(job.files)
    print(f"-> Predicting on {count:d} test images")
    images = [file for file in job.files if not _is_video(file)]
    videos = [file for file in job.files if _is_video(file)]
    parts = job.images(images, skip_bad), job.readable(videos, job.video, skip_bad)
    done = ((file, results) for file, results in itertools.chain(*parts) if results is not None)
    for number, (file, _) in enumerate(done, 1):
        print(f"   Processed {number:d} of {count:d} images - saved predictions to:")
        for path in _written(job, file):
            print(f"   - {path}", flush=True)
    print("-> Done!")


def _is_video(file):
    return file.suffix.lower() in VIDEOS


def _written(job, file):
    """The files, or of a video the colour video and the folder, that a result has become."""
    stem = job.names[file]
    places = {"color": f"{stem}_color.mp4", "npy": stem} if _is_video(file) else job.paths(stem)
    return [places[name] for name in places if name in job.formats]
