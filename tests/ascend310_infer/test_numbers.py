"""The program with the real runtime on CPU against numpy and OpenCV, on made-up models.

Tolerances: Lite's convolutions in float32 against float64, and two builds of OpenCV.
"""

import json
import shutil

import cv2
import numpy as np
import pytest

from tests.ascend310_infer import reference, tiny
from tests.ascend310_infer.conftest import DATA, model, photo

ATOL = 2e-5  # outputs of order 1
SIDECARS = tiny.sidecars()


@pytest.fixture
def photos(tmp_path):
    """Pictures of several sizes and formats below a folder: {result name: (H, W, 3) BGR}."""
    folder = tmp_path / "in"
    (folder / "scene").mkdir(parents=True)
    pictures = {}
    sizes = [(48, 64), (37, 53), (24, 32), (100, 90), (19, 100)]
    for index, size in enumerate(sizes):
        for ending in (".png", ".jpg"):
            name = f"{'scene/' if index % 2 else ''}p{index}{ending[1:]}"
            path = folder / f"{name}{ending}"
            cv2.imwrite(str(path), photo(index, *size))
            pictures[name] = cv2.imread(str(path))
    return folder, pictures


def _batch(picture, name):
    return reference.prepare(picture, SIDECARS[name]["image"])[None]


@pytest.mark.parametrize("batch", [0, 3, 10])
def test_free_batch_with_two_outputs(infer, photos, batch):
    folder, pictures = photos
    infer("--mindir", model("tiny"), "--input", folder, "--batch", batch)
    for name, picture in pictures.items():
        expected = tiny.forward("tiny", _batch(picture, "tiny"))
        for k in range(2):
            got = infer.result(f"{name}_{k}.bin", expected[k].shape)
            np.testing.assert_allclose(got, expected[k], rtol=0, atol=ATOL, err_msg=name)


def test_a_converted_graph_with_a_copy_of_the_sidecar(infer, photos, tmp_path):
    folder, pictures = photos
    shutil.copy(model("converted"), tmp_path)
    shutil.copy(DATA / "tiny.json", tmp_path / "converted.json")
    infer("--mindir", "converted.mindir", "--input", folder, "--batch", 3)
    for name, picture in pictures.items():
        expected = tiny.forward("tiny", _batch(picture, "tiny"))
        for k in range(2):
            got = infer.result(f"{name}_{k}.bin", expected[k].shape)
            np.testing.assert_allclose(got, expected[k], rtol=0, atol=ATOL, err_msg=name)


@pytest.mark.parametrize("batch", [0, 4])
def test_coarse_feeds_fine(infer, photos, batch):
    folder, pictures = photos
    flags = ["--mindir", model("pair_coarse"), "--fine_mindir", model("pair_fine")]
    infer(*flags, "--input", folder, "--formats", "bin,pfm", "--batch", batch)
    meaning = "log_depth"
    for name, picture in pictures.items():
        image = _batch(picture, "pair_fine")
        coarse = tiny.forward("pair_coarse", image)[0]
        fine = tiny.forward("pair_fine", image, coarse)[0]
        got = infer.result(f"{name}_0.bin", fine.shape)
        np.testing.assert_allclose(got, fine, rtol=0, atol=ATOL, err_msg=name)
        spec = SIDECARS["pair_fine"]["image"]
        metres = reference.restore(got[0, 0], meaning, spec, picture.shape[:2])
        written = _read_pfm(infer.folder / "result_Files" / f"{name}.pfm")
        np.testing.assert_allclose(written, metres, rtol=3e-6, err_msg=name)


def test_free_size_keeps_the_aspect(infer, photos):
    folder, pictures = photos
    infer("--mindir", model("free"), "--input", folder)
    seen = set()
    for name, picture in pictures.items():
        image = _batch(picture, "free")
        seen.add(image.shape)
        expected = tiny.forward("free", image)[0]
        got = infer.result(f"{name}_0.bin", expected.shape)
        np.testing.assert_allclose(got, expected, rtol=0, atol=ATOL, err_msg=name)
    assert len(seen) > 2


def test_pictures_are_those_of_python(infer, photos):
    folder, pictures = photos
    infer("--mindir", model("tiny"), "--input", folder, "--formats", "bin,png,pfm,color")
    results = infer.folder / "result_Files"
    spec = SIDECARS["tiny"]["image"]
    for name, picture in pictures.items():
        output = infer.result(f"{name}_0.bin", (tiny.SIZE[0] // 2, tiny.SIZE[1] // 2))
        values = reference.restore(output, "disparity", spec, picture.shape[:2])
        # Between 0 and 1; rounding follows the neighbours' size, not the result's own.
        np.testing.assert_allclose(_read_pfm(results / f"{name}.pfm"), values, rtol=0, atol=5e-7)
        levels = cv2.imread(str(results / f"{name}.png"), cv2.IMREAD_UNCHANGED)
        expected = reference.png16(values, "disparity")
        assert levels.dtype == np.uint16
        # The last bit of a float32 of the map is up to 3 levels of its spread over 16 bits.
        assert np.abs(levels.astype(int) - expected).max() <= 3
        colors = cv2.imread(str(results / f"{name}_color.png"))
        assert np.abs(colors.astype(int) - reference.color(values, "disparity")).mean() < 0.1


def test_prepared_tensors_give_the_results_of_their_images(infer, photos, tmp_path):
    folder, pictures = photos
    bins = tmp_path / "bins"
    for name, picture in pictures.items():
        path = bins / f"{name}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        _batch(picture, "tiny").tofile(path)
    infer("--mindir", model("tiny"), "--input", folder)
    infer("--mindir", model("tiny"), "--input", bins, "--output", "from_bins")
    for name in pictures:
        expected = infer.result(f"{name}_0.bin", -1)
        got = infer.result(f"{name}_0.bin", -1, "from_bins")
        np.testing.assert_allclose(got, expected, rtol=0, atol=ATOL)


def test_a_model_needs_its_sidecar_only(infer, photos, tmp_path):
    """The same graph under another sidecar: other preparation, other meaning, no other program."""
    folder, pictures = photos
    sidecar = json.loads(model("tiny").with_suffix(".json").read_text())
    sidecar["image"].update(color_order="RGB", crop=tiny.CROP, mean=[0, 0, 0], std=[1, 2, 3])
    sidecar["image"]["resize"]["interpolation"] = "bilinear"
    sidecar["outputs"][0]["meaning"] = "depth"
    (tmp_path / "other.json").write_text(json.dumps(sidecar))
    (tmp_path / "other.mindir").write_bytes(model("tiny").read_bytes())
    infer("--mindir", "other.mindir", "--input", folder, "--formats", "bin,png")
    for name, picture in pictures.items():
        image = reference.prepare(picture, sidecar["image"])[None]
        expected = tiny.forward("tiny", image)[0]
        got = infer.result(f"{name}_0.bin", expected.shape)
        np.testing.assert_allclose(got, expected, rtol=0, atol=ATOL)
        metres = reference.restore(got[0, 0], "depth", sidecar["image"], picture.shape[:2])
        path = infer.folder / "result_Files" / f"{name}.png"
        millimetres = cv2.imread(str(path), cv2.IMREAD_UNCHANGED).astype(int)
        assert np.abs(millimetres - reference.png16(metres, "depth")).max() <= 1


def test_the_originals_lines_and_files(infer, photos):
    folder, pictures = photos
    out, _ = infer("--mindir", model("tiny"), "--input", folder, "--warmup", 2)
    line = f"ms of infer_count {len(pictures)}\n"
    times = (infer.folder / "time_Result" / "test_perform_static.txt").read_text()
    assert times.startswith("NN inference cost average time: ") and line in times
    assert times in out
    assert "p50" in times and "p95" in times and "p99" in times and "images/s" in times
    assert "MindSpore Lite 2.0.0, CPU" in out
    assert f"predicted {len(pictures)}/{len(pictures)} files" in out


def _read_pfm(path):
    header, size, scale, data = path.read_bytes().split(b"\n", 3)
    width, height = map(int, size.split())
    assert (header, scale) == (b"Pf", b"-1.000000")
    return np.frombuffer(data, "<f4").reshape(height, width)[::-1]
