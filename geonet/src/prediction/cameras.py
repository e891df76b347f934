"""The camera of each sequence: as told, from a file, from the field of view, or from EXIF."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..model_utils.errors import InputError
from ..sfm_utils.intrinsics import (
    Intrinsics,
    intrinsics_from_numbers,
    intrinsics_from_view,
    read_exif_intrinsics,
    read_intrinsics,
    shown_size,
)
from .inputs import FrameSequence, sequences_of

INTRINSICS = "intrinsics.json"


@dataclass(frozen=True)
class Camera:
    """What the user tells about the camera; what is empty or 0 is not told.

    Attributes:
        intrinsics: fx fy cx cy in pixels of the images, maybe followed by width height.
        field_of_view: horizontal, degrees.
    """

    intrinsics: Sequence[float] = ()
    field_of_view: float = 0.0


def camera_of(sequence: FrameSequence, told: Camera) -> Intrinsics:
    """The camera of a sequence: intrinsics.json lies in the images' folder, beside it or the video.

    Args:
        sequence: whose first frame gives the size.
        told: wins; a field of view only where there is no intrinsics.json.
    Raises:
        InputError: it is not known, or for images of another size.
    """
    size = sequence.size
    places = [folder / INTRINSICS for folder in (sequence.path, sequence.path.parent)]
    file = next((place for place in places if place.is_file()), None)
    if told.intrinsics:
        found = intrinsics_from_numbers(told.intrinsics, size)
    elif file:
        found = read_intrinsics(file)
    elif told.field_of_view:
        found = intrinsics_from_view(told.field_of_view, *size)
    else:
        found = _from_exif(sequence)
    found.check_size(*size, str(sequence.first))
    return found


def _from_exif(sequence):
    if sequence.files:
        try:
            return read_exif_intrinsics(sequence.first)
        except InputError:
            pass
    raise InputError(
        f"{sequence.path}: its camera is not known; give --intrinsics fx fy cx cy (pixels), an "
        f"{INTRINSICS} beside it, or --field_of_view degrees"
    )


def cameras_of(files: Sequence[Path], told: Camera) -> dict[Path, Intrinsics]:
    """{path of a sequence: its camera} of all sequences of some files.

    Raises:
        InputError: see `camera_of`; an image of another size than the first of its folder.
    """
    cameras = {}
    for sequence in sequences_of(files):
        camera = cameras[sequence.path] = camera_of(sequence, told)
        for file in sequence.files or ():
            _check_size(file, camera)
    return cameras


def _check_size(file, camera):
    try:
        size = shown_size(file)
    except InputError:
        return  # told when it is its turn
    camera.check_size(*size, str(file))
