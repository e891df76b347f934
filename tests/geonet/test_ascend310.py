"""The 310 path: .bin files of the depth test sets, and the scores of result files."""

import json

import numpy as np
import pytest
from PIL import Image

from geonet.src.ascend310 import GraphSize, graph_size, open_data, score_results, write_inputs
from geonet.src.evaluation.model import Facts
from geonet.src.exporting import sidecar
from geonet.src.model_utils.errors import InputError
from tests.geonet import golden_trees
from tests.geonet.golden_trees import EXPECTED
from tests.geonet.predicted import photo

FACTS = Facts(32, 96, 3, "vgg", False, "residual")
FRAMES = [name.removesuffix(".png") for name in EXPECTED["depth_eigen"]["test_files"]]
LIMITS = 0.001, 80.0


@pytest.fixture
def kitti(tmp_path):
    """The goldens' two frames of Eigen's test set: kitti/, lists/."""
    return golden_trees.write_eigen(tmp_path)


def eigen(folder):
    return open_data(folder / "kitti", "eigen", folder / "lists", LIMITS)


def stereo(folder):
    return open_data(folder / "kitti", "stereo", folder / "lists", LIMITS)


def write_results(folder, test, depths):
    """What the 310 program writes for depths (N, h, w)."""
    for image, depth in zip(test.images(), depths):
        stem = image.relative_to(test.root).with_suffix("")
        path = folder / f"{stem}_0.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.float32(depth).tofile(path)


def test_inputs_are_what_the_original_s_test_feeds(kitti, tmp_path, capsys):
    images = [photo(seed, 60, 200) for seed in (1, 2)]
    for name, image in zip(FRAMES, images):
        Image.fromarray(image).save(kitti / "kitti" / f"{name}.png")
    write_inputs(open_data(kitti / "kitti", "eigen", kitti / "lists"), tmp_path / "bins", (32, 96))
    files = [path for path in (tmp_path / "bins").rglob("*") if path.is_file()]
    assert {f.relative_to(tmp_path / "bins").as_posix() for f in files} == {
        f"{name}.bin" for name in FRAMES
    }
    for name, image in zip(FRAMES, images):
        small = Image.fromarray(image).resize((96, 32), Image.Resampling.LANCZOS)
        expected = np.float64(small).transpose(2, 0, 1) / 127.5 - 1
        found = np.fromfile(tmp_path / "bins" / f"{name}.bin", np.float32).reshape(3, 32, 96)
        np.testing.assert_allclose(found, expected, rtol=0, atol=2e-7)
    assert f"wrote 2 images to {tmp_path / 'bins'}\n" in capsys.readouterr().out


def test_scores_are_the_original_s(kitti, tmp_path, capsys):
    depths = golden_trees.arrays("depth_pred")[0]
    write_results(tmp_path / "results", eigen(kitti), depths)
    score_results(eigen(kitti), tmp_path / "results", GraphSize(16, 52), tmp_path / "val.json")
    assert "\n".join(EXPECTED["depth_eigen"]["printed"]) in capsys.readouterr().out
    metrics = golden_trees.arrays("depth_metrics_per_image")[0]
    found = json.loads((tmp_path / "val.json").read_text())
    assert found["abs_rel"] == pytest.approx(metrics[0].mean(), rel=1e-5) and found["images"] == 2
    rows = (tmp_path / "val.csv").read_text().splitlines()
    assert len(rows) == 3 and rows[1].startswith("2011_09_26/2011_09_26_drive_0002_sync 69,")


def test_scores_of_the_stereo_split_are_the_original_s(tmp_path, capsys):
    folder = golden_trees.write_stereo(tmp_path)
    for scene in golden_trees.SCENES:
        path = folder / "kitti" / "training" / "image_2" / f"{scene:06d}_10.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photo(scene)).save(path)
    depths = golden_trees.arrays("stereo_pred")[0]
    write_results(tmp_path / "results", stereo(folder), depths)
    size = GraphSize(*depths.shape[1:])
    score_results(stereo(folder), tmp_path / "results", size, tmp_path / "val.json")
    assert "\n".join(EXPECTED["depth_stereo"]["printed"]) in capsys.readouterr().out


def test_what_does_not_fit_is_told(kitti, tmp_path):
    results, size, val = tmp_path / "results", GraphSize(4, 8), tmp_path / "val.json"

    def score():
        score_results(eigen(kitti), results, size, val)

    with pytest.raises(InputError, match=r"0000000069_0\.bin does not exist; run the 310 program"):
        score()
    write_results(results, eigen(kitti), np.ones((2, 4, 9)))
    with pytest.raises(InputError, match="has 144 bytes, expected 128"):
        score()
    write_results(results, eigen(kitti), np.ones((2, 4, 8)) * [[[1]], [[0]]])
    with pytest.raises(InputError, match=r"0000000070_0\.bin holds values that are no depths"):
        score()
    (kitti / "kitti" / f"{FRAMES[1]}.png").unlink()
    with pytest.raises(InputError, match=r"images of the split eigen: 1 of 2 are missing"):
        write_inputs(eigen(kitti), tmp_path / "bins", size)
    (kitti / "kitti" / "2011_09_26" / "calib_velo_to_cam.txt").unlink()
    with pytest.raises(InputError, match="calibration files: 1 of 2 are missing"):
        score()
    with pytest.raises(InputError, match="dataset_dir is missing; give the folder of the split"):
        open_data("", "eigen", kitti / "lists")
    assert not val.exists() and not (tmp_path / "bins").exists()


def test_a_sidecar_tells_the_size(tmp_path):
    (tmp_path / "d.json").write_text(json.dumps(sidecar("depth", 1, FACTS)))
    assert graph_size(tmp_path / "d.mindir") == (32, 96)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (None, "d.json does not exist; export.py writes it"),
        ("{", "no sidecar of a graph of depth"),
        ("[]", "no sidecar of a graph of depth"),
        ({"outputs": []}, "no sidecar of a graph of depth"),
        (sidecar("pose", 1, FACTS), "no sidecar of a graph of depth"),
        (sidecar("flow", 1, FACTS), "expected a graph of depth of GeoNet, got 'geonet' 'flow'"),
        ({"model": "midas"}, "expected a graph of depth of GeoNet, got 'midas' 'depth' 32x96"),
        ({"outputs": [{"shape": [1, 1, 0, 9], "meaning": "depth"}]}, "'depth' 0x9; export it"),
    ],
)
def test_another_sidecar_is_refused(tmp_path, change, message):
    if isinstance(change, dict):
        change = json.dumps({**sidecar("depth", 1, FACTS), **change})
    if change is not None:
        (tmp_path / "d.json").write_text(change)
    with pytest.raises(InputError, match=message):
        graph_size(tmp_path / "d.mindir")
