"""Write ascend310_infer/tests/data/expected.json, what the C++ unit tests compare with.

Usage: python make_expected.py [resize_table.npz]   (the table of the MiDaS goldens)
"""

import json
import sys
from pathlib import Path

import numpy as np
import reference
import tiny

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


def main():
    rng = np.random.default_rng(7)
    expected = {"prepare": list(_prepare_cases(rng)), "restore": list(_restore_cases(rng))}
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
