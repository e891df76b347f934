"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

What infer.py writes for models of video: depth in metres and points, flow, trajectories. Files and
names are those of the 310 program.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..model_utils.errors import InputError
from ..model_utils.files import write_bytes
from ..model_utils.images import write_outputs, write_png
from ..model_utils.media import VIDEOS, Frame, Job
from .flow_files import flow_colors, write_flo, write_flow_colors, write_flow_png
from .intrinsics import Intrinsics, shown_size
from .neighbours import check_length, frame_order, with_neighbours
from .points import check_points, depth_of, metric_png16, write_ply
from .pose_path import PoseConvention, PosePath, write_paths


def enlarge_flow(flow: np.ndarray, height: int, width: int) -> np.ndarray:
    """A network's flow (2, h, w) at its image's size: bilinear, in the image's pixels.

    Returns:
        (height, width, 2) float32.
    """
    rows, columns = flow.shape[1:]
    planes = np.ascontiguousarray(np.float32(flow).transpose(1, 2, 0))
    return cv2.resize(planes, (width, height)) * np.float32([width / columns, height / rows])


def write_tensors(folder: str | Path, name: str, inputs: Mapping[str, np.ndarray]) -> None:
    """Write the prepared inputs of one sample, <name>_<input>.bin, as the 310 program reads them.

    Args:
        folder: where to; what preprocess.py makes of a test set.
        name: of the sample; its results are called <name>_<k>.bin. May hold a folder.
        inputs: by the name of the graph's input, without the axis of the batch; of a graph with
            one input the file is <name>.bin.
    """
    for key, array in inputs.items():
        file = f"{name}_{key}.bin" if len(inputs) > 1 else f"{name}.bin"
        write_bytes(Path(folder) / file, np.ascontiguousarray(array, "<f4").tobytes())


def _check_camera(file, camera):
    """InputError when the intrinsics hold for images of another size than those of a file."""
    if file.suffix.lower() in VIDEOS:
        capture = cv2.VideoCapture(str(file))
        sides = cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FRAME_WIDTH
        size = tuple(int(capture.get(side)) for side in sides)
        capture.release()
    else:
        try:
            size = shown_size(file)
        except InputError:
            return  # told when it is its turn
    if all(size):
        camera.check_size(*size, str(file))


class SequenceJob(Job):
    """Job of a network that sees several frames.

    A predictor's `batch` takes tuples of images in the order of `offsets`.

    Args:
        offsets: of the images; 0 is the one that names the result.
        given: see `media.Job`.
    Raises:
        InputError: a format that these results do not have, or no sequence that is long enough.
    """

    allowed: Collection[str] = ()

    def __init__(self, *given: Any, offsets: Sequence[int]):
        super().__init__(*given)
        self.offsets, self.seen, self.written = tuple(offsets), 0, 0
        for name in self.formats:
            if name not in self.allowed:
                raise InputError(f"formats {name}: this model writes {', '.join(self.allowed)}")
        check_length(self.files, self.offsets)

    def order(self, files: list[Path]) -> list[Path]:
        return frame_order(files)

    def samples(self, frames: Iterable[Frame]) -> Iterator[tuple[Frame, Any]]:
        for sample in with_neighbours(self._counted(frames), self.offsets):
            self.written += 1
            yield sample

    def _counted(self, frames):
        for frame in frames:
            self.seen += frame.image is not None
            yield frame

    def finish(self) -> str:
        missing = self.seen - self.written
        return f", {missing} without a neighbour" if len(self.offsets) > 1 else ""


class DepthJob(SequenceJob):
    """Maps of depth, disparity or inverse depth, (H, W) each of its image's size.

    Args:
        metric_scale: see `points.depth_of`; None: depth is in metres, disparity relative.
        levels_per_metre: see `points.metric_png16`.
        camera: for points (ply).
    """

    allowed = ("png", "pfm", "npy", "color", "ply")

    def __init__(
        self,
        *given: Any,
        offsets: Sequence[int] = (0,),
        metric_scale: float | None = None,
        levels_per_metre: float = 1000,
        camera: Intrinsics | None = None,
    ):
        super().__init__(*given, offsets=offsets)
        self.metric_scale, self.levels, self.camera = metric_scale, levels_per_metre, camera
        if "ply" in self.formats:
            check_points(self.kind, metric_scale, camera)
            for file in self.files:
                _check_camera(file, camera)

    def samples(self, frames: Iterable[Frame]) -> Iterator[tuple[Frame, Any]]:
        found = super().samples(frames)
        single = self.offsets == (0,)
        return ((frame, images[0] if single else images) for frame, images in found)

    def write(self, stem: Path, frame: Frame, values: Any, formats: Collection[str]) -> None:
        formats = set(formats)
        depth = depth_of(values, self.kind, self.metric_scale or 1.0)
        if "png" in formats and (self.kind == "depth" or self.metric_scale):
            formats.remove("png")
            write_png(f"{stem}.png", metric_png16(depth, self.levels))
        if "ply" in formats:
            write_ply(f"{stem}.ply", depth, frame.image, self.camera)
        write_outputs(stem, values, self.kind, formats)


class FlowJob(SequenceJob):
    """Flow (H, W, 2) of its image's size: .flo, KITTI's PNG, colours, .npy."""

    allowed = ("flo", "png", "color", "npy")

    def write(self, stem: Path, frame: Frame, values: Any, formats: Collection[str]) -> None:
        if "flo" in formats:
            write_flo(f"{stem}.flo", values)
        if "png" in formats:
            write_flow_png(f"{stem}.png", values)
        if "color" in formats:
            write_flow_colors(f"{stem}_color.png", values)
        write_outputs(stem, values, self.kind, set(formats) & {"npy"})

    def color(self, frame: Frame, values: Any) -> np.ndarray:
        return flow_colors(values)


class PoseJob(SequenceJob):
    """Poses (pairs, 6) of every frame: trajectory.txt of each folder or video, .npy of each frame.

    Args:
        convention: what the six numbers mean.
    """

    allowed = ("tum", "npy")

    def __init__(self, *given: Any, offsets: Sequence[int], convention: PoseConvention):
        super().__init__(*given, offsets=offsets)
        self.convention, self.paths = convention, {}

    def write(self, stem: Path, frame: Frame, values: Any, formats: Collection[str]) -> None:
        if "tum" in formats:
            new = Path(stem).parent, PosePath(self.convention)
            self.paths.setdefault(frame.sequence, new)[1].add(frame.number, values)
        write_outputs(stem, values, self.kind, set(formats) & {"npy"})

    def finish(self) -> str:
        folders: dict[Path, list] = {}
        for folder, path in self.paths.values():
            folders.setdefault(folder, []).extend(path.pieces())
        for folder, pieces in folders.items():
            write_paths(folder, pieces)
        return super().finish()
