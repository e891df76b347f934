"""Write ascend310_infer/tests/data/expected.json, what the C++ unit tests compare with.

Usage, in the repository's root (the table is that of the MiDaS goldens):
    python -m tests.ascend310_infer.make_expected [resize_table.npz]
"""

import json
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from scipy.spatial.transform import Rotation

from monodepth2.src.sfm_utils import flow_files
from monodepth2.src.sfm_utils.rotations import (
    make_pose,
    quaternion_from_rotation,
    rotation_from_euler,
)
from tests.ascend310_infer import reference, tiny

PILLOW = {
    "pillow_bilinear": Image.Resampling.BILINEAR,
    "pillow_bicubic": Image.Resampling.BICUBIC,
    "pillow_lanczos": Image.Resampling.LANCZOS,
}
TARGET = Path(__file__).parents[2] / "ascend310_infer" / "tests" / "data" / "expected.json"


def _rounded(values):
    return [float(f"{v:.9g}") for v in np.asarray(values, np.float64).ravel()]


def _prepare_cases(rng):
    sidecars = tiny.sidecars()
    small = {"height": 9, "width": 11}
    for name, photo in (("tiny", (20, 27)), ("pair_coarse", (40, 31)), ("free", (17, 30))):
        sidecar = sidecars[name]
        image = {**sidecar["image"], "resize": {**sidecar["image"]["resize"], **small}}
        bgr = rng.integers(0, 256, (*photo, 3), dtype=np.uint8)
        values = reference.prepare(bgr, image)
        yield {
            "sidecar": {**sidecar, "image": image},
            "photo": list(photo),
            "bgr": bgr.ravel().tolist(),
            "shape": list(values.shape),
            "values": _rounded(values),
        }


def _restore_cases(rng):
    sidecars = tiny.sidecars()
    for name, photo in (("tiny", (20, 27)), ("pair_coarse", (40, 31))):
        sidecar = sidecars[name]
        meaning = sidecar["outputs"][0]["meaning"]
        output = rng.standard_normal((5, 6)).astype(np.float32)
        values = reference.restore(output, meaning, sidecar["image"], photo)
        yield {
            "sidecar": sidecar,
            "photo": list(photo),
            "output": _rounded(output),
            "values": _rounded(values),
            "png16": reference.png16(values, meaning).ravel().tolist(),
            "color": reference.color(values, meaning).ravel().tolist(),
        }


def _pillow_cases(rng):
    # The last is a size for which Pillow 13 resizes the height first; earlier ones never do.
    sizes = [(20, 31), (20, 13), (9, 31), (31, 9), (20, 20), (1, 1), (31, 40), (5, 28)]
    photo = rng.integers(0, 256, (20, 31, 3), dtype=np.uint8)
    yield from (
        {
            "interpolation": name,
            "bgr": photo.ravel().tolist(),
            "photo": [20, 31],
            "size": list(size),
            "values": np.asarray(Image.fromarray(photo).resize(size[::-1], kind)).ravel().tolist(),
        }
        for size in sizes
        for name, kind in PILLOW.items()
    )


def _flow_case(rng):
    flow = np.float32(rng.standard_normal((6, 7, 2)) * [20, 3])
    flow[0, 0], flow[1, 1], flow[2, 2], flow[3, 3] = (0, 0), (np.nan, 1), (2e7, 1), (600, -0.0)
    finite = [
        [float(v) if np.isfinite(v) else None for v in pixel] for pixel in flow.reshape(-1, 2)
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "flow"
        flow_files.write_flow_png(f"{path}.png", flow)
        levels = cv2.imread(f"{path}.png", cv2.IMREAD_UNCHANGED)
        flow_files.write_flo(f"{path}.flo", flow[:1])
        first_row = list(Path(f"{path}.flo").read_bytes())
    colors = flow_files.flow_colors(flow)[..., ::-1]
    return {
        "size": [6, 7],
        "flow": finite,
        "png": levels.ravel().tolist(),
        "color": colors.ravel().tolist(),
        "flo_of_first_row": first_row,
    }


def _pose_cases(rng):
    for vector in [*rng.standard_normal((4, 6)), np.zeros(6), [1, 2, 3, 0.2, np.pi / 2, 0.1]]:
        vector = np.float32(vector)
        pose = make_pose(rotation_from_euler(vector[3:].astype(np.float64)), vector[:3])
        turn = make_pose(
            Rotation.from_rotvec(vector[:3].astype(np.float64)).as_matrix(), vector[3:]
        )
        yield {
            "vector": _rounded(vector),
            "euler": pose.ravel().tolist(),
            "axis_angle": turn.ravel().tolist(),
            "quaternion": quaternion_from_rotation(pose[:3, :3]).tolist(),
        }


def main():
    rng = np.random.default_rng(7)
    expected = {"prepare": list(_prepare_cases(rng)), "restore": list(_restore_cases(rng))}
    of_video = np.random.default_rng(8)
    expected["pillow"] = list(_pillow_cases(of_video))
    expected["flow"] = _flow_case(of_video)
    expected["poses"] = list(_pose_cases(of_video))
    values = rng.standard_normal(23).astype(np.float32)
    expected["percentiles"] = {
        "values": _rounded(values),
        "at": {str(p): float(np.percentile(values, p)) for p in (0, 2, 50, 98, 100)},
    }
    if len(sys.argv) > 1:
        table = np.load(sys.argv[1])
        columns, methods = table["columns"].tolist(), table["methods"].tolist()
        expected["resize_table"] = {
            "columns": columns,
            "methods": methods,
            "rows": table["table"].tolist(),
        }
    elif TARGET.exists():
        expected["resize_table"] = json.loads(TARGET.read_text())["resize_table"]
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(json.dumps(expected, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
