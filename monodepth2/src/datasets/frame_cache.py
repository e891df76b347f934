"""What is worked out once about own footage: a video's frames as images, and which of them move.

<folder>/frames/000000.jpg ...   of a video, no larger than the networks need
<folder>/frames/frames.json      of which video they are
<folder>/selection_<step>.json   the frames with motion
"""

from __future__ import annotations

import hashlib
import io
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..model_utils.files import replacing, write_bytes
from ..sfm_utils.footage import Footage
from ..sfm_utils.frame_selection import Selection, select_frames

_QUALITY = 95  # of JPEG; without subsampling of the colours


class FrameCache:
    """The folder that keeps what was worked out about one sequence.

    What belongs to another version of the footage, is damaged or incomplete is made anew.

    Args:
        folder: of this sequence.
        size: (height, width) at the networks.
    """

    def __init__(self, folder: str | Path, size: tuple[int, int]):
        self.folder, self.size = Path(folder), size
        self.frames = self.folder / "frames"

    def size_of(self, footage: Footage) -> tuple[int, int]:
        """(height, width) of the images of `files`."""
        if footage.files is not None:
            return footage.size
        return min(footage.size[0], self.size[0]), min(footage.size[1], self.size[1])

    def files(self, footage: Footage) -> list[Path]:
        """The frames as image files: those of a folder themselves, those of a video taken out.

        Raises:
            InputError: the video cannot be decoded.
        """
        if footage.files is not None:
            return footage.files
        if self._kept(footage) is None:
            with self._writer(footage) as frames:
                for _ in frames:
                    pass
        return self._kept(footage)

    def selected(self, footage: Footage, step: int | None) -> tuple[list[Path], Selection]:
        """The frames as image files, and which of them to learn from; each is read once.

        Raises:
            InputError: a broken file, or too few frames with motion.
        """
        path = self.folder / f"selection_{step or 'auto'}.json"
        found = _read_record(path, _fingerprint(footage))
        if found is not None:
            return self.files(footage), Selection(**found)
        name = str(footage.path)
        if footage.files is not None or self._kept(footage) is not None:
            selection = select_frames(footage.frames(), step=step, name=name)
        else:
            with self._writer(footage) as frames:
                selection = select_frames(frames, step=step, name=name)
        write_bytes(path, _record(_fingerprint(footage), vars(selection)))
        return self.files(footage), selection

    def _kept(self, footage):
        """The frames of the video that are there already; None if they are not all."""
        found = _read_record(self.frames / "frames.json", self._identity(footage))
        if found is None:
            return None
        files = [self.frames / f"{number:06d}.jpg" for number in range(found["count"])]
        return files if all(file.is_file() for file in files) else None

    def _identity(self, footage):
        return f"{_fingerprint(footage)} {self.size_of(footage)}"

    def _writer(self, footage):
        return _Writer(self.frames, footage, self.size_of(footage), self._identity(footage))


class _Writer:
    """Frames of a video that are written on their way; the folder appears with the last one."""

    def __init__(self, folder, footage, size, identity):
        self.place, self.footage, self.size = replacing(folder), footage, size
        self.identity = identity

    def __enter__(self):
        self.folder = self.place.__enter__()
        self.folder.mkdir()
        return self._frames()

    def __exit__(self, *error):
        return self.place.__exit__(*error)

    def _frames(self) -> Iterator[np.ndarray]:
        print(f"{self.footage.path}: taking its frames out, once", flush=True)
        count = 0
        for count, frame in enumerate(self.footage.frames(), 1):
            (self.folder / f"{count - 1:06d}.jpg").write_bytes(_jpeg(frame, self.size))
            yield frame
        record = _record(self.identity, {"count": count})
        (self.folder / "frames.json").write_bytes(record)


def _jpeg(frame, size):
    image, buffer = Image.fromarray(frame), io.BytesIO()
    if size != frame.shape[:2]:
        image = image.resize(size[::-1], Image.Resampling.LANCZOS)
    image.save(buffer, "JPEG", quality=_QUALITY, subsampling=0)
    return buffer.getvalue()


def _fingerprint(footage: Footage) -> str:
    """Changes with any file of the footage."""
    digest = hashlib.sha256()
    for file in footage.files or [footage.path]:
        state = file.stat()
        digest.update(f"{file.name} {state.st_size} {state.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:32]


def _record(of: str, found: dict[str, Any]) -> bytes:
    """What was found in footage, of which, and a checksum of both, as JSON."""
    text = json.dumps([of, found])
    return json.dumps([of, found, zlib.crc32(text.encode())]).encode()


def _read_record(path: Path, of: str) -> dict[str, Any] | None:
    """What was found; None if the file is not there, is damaged or is of something else."""
    try:
        data = path.read_bytes()
        found = json.loads(data)[1]
        return found if data == _record(of, found) else None
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
