"""From weights, images and videos to depth, the camera's path and optical flow in files."""

from .cameras import Camera
from .inputs import inputs_of
from .tasks import formats_of, predict

__all__ = ["Camera", "formats_of", "inputs_of", "predict"]
