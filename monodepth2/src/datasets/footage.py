"""Own footage: folders of images and videos, each one camera's sequence of frames.

data_path is one of
    a video, or a folder of images
    a folder of several of these
<name>_right, beside <name>, is the right camera of <name>.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..model_utils.errors import InputError
from ..model_utils.media import IMAGES, VIDEOS
from ..sfm_utils.footage import Footage
from ..sfm_utils.frame_selection import Selection
from ..sfm_utils.intrinsics import (
    Intrinsics,
    intrinsics_from_numbers,
    intrinsics_from_view,
    read_exif_intrinsics,
    read_intrinsics,
)
from .fields import STEREO
from .frame_cache import FrameCache
from .samples import BASELINE, FrameId

INTRINSICS = "intrinsics.json"
_RIGHT = "_right"


@dataclass(frozen=True)
class Camera:
    """What the user tells about the camera; what is empty or 0 is not told.

    Attributes:
        intrinsics: fx fy cx cy in pixels of the images, maybe followed by width height.
        field_of_view: horizontal, degrees.
        baseline: metres between the left and the right camera.
    """

    intrinsics: Sequence[float] = ()
    field_of_view: float = 0.0
    baseline: float = 0.0

    @property
    def metric_scale(self) -> float | None:
        """Metres per unit of a depth that was learnt from both cameras; None: not known."""
        return self.baseline / BASELINE if self.baseline else None


@dataclass(frozen=True)
class FootageSequence:
    """One camera's frames, in order, and how they are learnt from.

    Attributes:
        name: of the folder or the video.
        files: the images; those that were taken out of a video.
        right: the right camera's at the same times; empty where there is none.
        camera: of the images in `files`.
        selection: the frames that show motion, and the distance between neighbours.
        reach: how many steps away the farthest neighbour of a frame is.
        val_share: the part of the targets, their end, that is for validation.
    """

    name: str
    files: list[Path]
    right: list[Path]
    camera: Intrinsics
    selection: Selection
    reach: int
    val_share: float

    @property
    def targets(self) -> tuple[list[int], list[int]]:
        """Places in selection.kept of the frames to train on and of those to validate on."""
        margin = self.reach * self.selection.step
        places = list(range(margin, len(self.selection.kept) - margin))
        val = min(max(1, round(self.val_share * len(places))), len(places) - 1)
        return places[: len(places) - val], places[len(places) - val :]


def find_sequences(data_path: str | Path) -> dict[str, tuple[Path, Path | None]]:
    """{name: (the sequence, the right camera's or None)} of the footage at a path.

    Raises:
        InputError: there is nothing of the kind.
    """
    path = Path(data_path)
    if not path.exists():
        raise InputError(f"data_path {path} does not exist; give a video or a folder of images")
    if _is_sequence(path):
        found = [path]
        beside = path.parent
    else:
        children = path.iterdir() if path.is_dir() else []
        found = sorted(child for child in children if _is_sequence(child))
        beside = path
    rights = {other: left for left in found if (other := _right_of(left, beside))}
    sequences = {left.name: (left, _right_of(left, beside)) for left in found if left not in rights}
    if not sequences:
        kinds = " ".join(sorted(VIDEOS))
        raise InputError(
            f"data_path {path} holds no footage: expected a video ({kinds}), a folder of images, "
            "or a folder of several of these"
        )
    return sequences


def _is_sequence(path):
    """Whether a path is a video, or a folder with two images or more."""
    if path.name.startswith("."):
        return False
    if path.is_file():
        return path.suffix.lower() in VIDEOS
    images = (child for child in path.iterdir() if child.suffix.lower() in IMAGES)
    return next(images, None) is not None and next(images, None) is not None


def _right_of(left, beside):
    """The right camera's footage, of the same kind if there are two."""
    stem = f"{left.stem if left.is_file() else left.name}{_RIGHT}"
    videos = [beside / f"{stem}{ending}" for ending in sorted(VIDEOS)]
    folder = beside / stem
    for path in [*videos, folder] if left.is_file() else [folder, *videos]:
        if path.exists() and path != left and _is_sequence(path):
            return path
    return None


def open_sequences(
    data_path: str | Path,
    camera: Camera,
    *,
    cache: str | Path,
    size: tuple[int, int],
    sources: Sequence[FrameId] = (-1, 1),
    frame_step: int = 0,
    val_share: float = 0.1,
) -> list[FootageSequence]:
    """The sequences of own footage, ready to learn from.

    Args:
        data_path: see the module.
        camera: what the user tells about it.
        cache: folder for the frames of videos and for what was found out about each sequence.
        size: (height, width) at the network: larger videos are kept no larger.
        sources: the images that each frame needs besides its own, such as [-1, 1, "s"].
        frame_step: frames between neighbours; 0: by how far the image moves.
        val_share: part of each sequence, its end, for validation.
    Raises:
        InputError: no footage, no intrinsics, a broken file, too few frames with motion, no right
            camera or none that fits.
    """
    use_stereo = STEREO in sources
    reach = max((abs(source) for source in sources if source != STEREO), default=0)
    if use_stereo and not camera.baseline:
        raise InputError("use_stereo needs --baseline, the metres between both cameras")
    sequences = []
    for name, (left, right) in find_sequences(data_path).items():
        if use_stereo and right is None:
            raise InputError(f"{left} has no right camera: {name}{_RIGHT} is not beside it")
        footage = Footage(left)
        native = find_intrinsics(footage, camera, Path(data_path))
        frames = FrameCache(Path(cache) / name, size)
        files, selection = frames.selected(footage, frame_step or None)
        others = _right_files(footage, right, cache, size, len(files)) if use_stereo else []
        print(f"{left}: {selection}", flush=True)
        shown = native.resized(*frames.size_of(footage))
        found = FootageSequence(name, files, others, shown, selection, reach, val_share)
        sequences.append(_with_targets(found, left))
    return sequences


def _with_targets(sequence, path):
    """The sequence, which has a frame to train on and one to validate on."""
    kept, step = len(sequence.selection.kept), sequence.selection.step
    needed = 2 * sequence.reach * step + 2
    if kept < needed:
        raise InputError(
            f"{path}: {kept} frames show motion; {needed} are needed to train and to validate at a "
            f"step of {step}; give a longer video, or a smaller --frame_step"
        )
    return sequence


def _right_files(left, right, cache, size, count):
    """The right camera's images, which must be as many and as large as the left one's."""
    footage = Footage(right)
    if footage.size != left.size:
        texts = ("{1}x{0}".format(*one.size) for one in (footage, left))
        raise InputError(f"{right} is {next(texts)}, but {left.path} is {next(texts)}")
    files = FrameCache(Path(cache) / right.name, size).files(footage)
    if len(files) != count:
        raise InputError(
            f"{right} has {len(files)} frames, {left.path} has {count}; both cameras need the same"
        )
    return files


def find_intrinsics(footage: Footage, camera: Camera, data_path: Path) -> Intrinsics:
    """The camera of a sequence: as told, from a file, from the field of view, or from EXIF.

    Raises:
        InputError: nowhere, or for images of another size.
    """
    path = footage.path
    folder = path if path.is_dir() else path.parent
    places = [folder / INTRINSICS, data_path / INTRINSICS]
    file = next((place for place in places if place.is_file()), None)
    if camera.intrinsics:
        found = intrinsics_from_numbers(camera.intrinsics, footage.size)
    elif file:
        found = read_intrinsics(file)
    elif camera.field_of_view:
        found = intrinsics_from_view(camera.field_of_view, *footage.size)
    else:
        found = _from_exif(footage)
    found.check_size(*footage.size, str(path))
    return found


def _from_exif(footage):
    if footage.files:
        try:
            return read_exif_intrinsics(footage.files[0])
        except InputError:
            pass
    raise InputError(
        f"{footage.path}: its camera is not known; give --intrinsics fx fy cx cy (pixels), an "
        f"{INTRINSICS} beside it, or --field_of_view degrees"
    )


class FootageFrames:
    """Frames of sequences; the protocol of `samples.Frames`.

    Args:
        sequences: own footage.
        is_val: the frames to validate on, else those to train on.
    """

    has_depth = False

    def __init__(self, sequences: Sequence[FootageSequence], is_val: bool):
        self.sequences = list(sequences)
        self.places = [
            (number, place)
            for number, sequence in enumerate(self.sequences)
            for place in sequence.targets[is_val]
        ]

    def __len__(self) -> int:
        return len(self.places)

    def path(self, index: int, frame_id: FrameId) -> Path:
        number, place = self.places[index]
        sequence = self.sequences[number]
        offset = 0 if frame_id == STEREO else frame_id * sequence.selection.step
        files = sequence.right if frame_id == STEREO else sequence.files
        return files[sequence.selection.kept[place + offset]]

    def is_left(self, index: int) -> bool:
        return True

    def matrix(self, index: int, height: int, width: int, is_mirrored: bool) -> np.ndarray:
        """K of the images after resizing; mirroring moves the axis to the other side."""
        camera = self.sequences[self.places[index][0]].camera
        K = camera.matrix
        if is_mirrored:
            K[0, 2] = camera.width - 1 - camera.cx
        return np.float32(K * [[width / camera.width], [height / camera.height], [1]])

    def depth(self, index: int) -> np.ndarray:
        """Not known of footage."""
        raise InputError(f"{self.path(index, 0)} has no ground truth")
