"""Flow of strips: names, batches, files, what is scored."""

import io
import json

import cv2
import numpy as np
import pytest
from PIL import Image

from geonet.src.evaluation import flow, flow_scoring, places_of
from geonet.src.model_utils.errors import InputError
from geonet.src.sfm_utils.flow_files import read_flo, read_flow_png, write_flow_png
from tests.geonet import golden_trees
from tests.geonet.golden_trees import EXPECTED
from tests.geonet.predicted import Stub

HEIGHT, WIDTH = 16, 32
NO_PANELS = 0, ""
FOLDER = "sub_folder_02"


def write_strips(folder, names, red=None, length=3):
    """Strips whose frames are of one colour each, and their list.

    PNG under the name .jpg: values stay as they are.
    """
    lines = []
    for number, name in enumerate(names):
        subfolder, stem = name.rsplit("/", 1)
        colors = [(16 * (number + 1) + frame, 100, 200) for frame in range(length)]
        frames = [np.full((HEIGHT, WIDTH, 3), color, np.uint8) for color in colors]
        data = io.BytesIO()
        Image.fromarray(np.hstack(frames)).save(data, "PNG")
        path = folder / subfolder / f"{stem}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.getvalue())
        camera = f"{10 * (number + 1)},0.,16,0.,20,8,0.,0.,1."
        path.with_name(f"{stem}_cam.txt").write_text(camera)
        lines.append(f"{subfolder} {stem}\n")
    (folder / "test_flow.txt").write_text("".join(lines))
    return folder


def run_test(model, folder, gt_flow_dir="", bgr=False, panels=NO_PANELS):
    places = places_of("test_flow", folder / "out", "", "", "")
    flow.test(model, folder, gt_flow_dir, bgr, places, 2, panels)
    return folder / "out" / "model-7", places


@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_each_strip_gets_its_three_files_whatever_the_batch(tmp_path, batch_size, capsys):
    names = [f"{FOLDER}/{number:06d}" for number in range(3)]
    model = Stub((HEIGHT, WIDTH), batch_size)
    out, places = run_test(model, write_strips(tmp_path, names))
    assert model.checked == ["flow"] and not places.metrics_json.exists()
    for number in range(3):
        found = read_flo(out / "binary" / f"{number:06d}.flo")
        expected = (16 * (number + 1) + 1) / 16, number + 1  # the middle frame's red, fx / 10
        np.testing.assert_allclose(found, np.tile(expected, (HEIGHT, WIDTH, 1)))
        stored, valid = read_flow_png(out / "png" / f"{number:06d}.png")
        np.testing.assert_allclose(stored, found, atol=1 / 64)
        assert valid.all()
        assert cv2.imread(str(out / "color" / f"{number:06d}.png")).shape == (HEIGHT, WIDTH, 3)
    assert {path.name for path in out.iterdir()} == {"binary", "png", "color"}
    said = capsys.readouterr().out
    assert "strips: 3 / 3" in said
    command = f"--mode eval_flow --dataset_dir KITTI --pred_dir {out}"
    assert f"to evaluate them: python eval.py {command}" in said


@pytest.mark.parametrize("bgr", [False, True])
def test_colours_are_rgb_or_in_the_original_s_order(tmp_path, bgr):
    model = Stub((HEIGHT, WIDTH))
    run_test(model, write_strips(tmp_path, [f"{FOLDER}/000000"]), bgr=bgr)
    seen = model.seen[0][0, :, 0, 0].reshape(3, 3).tolist()
    colors = [[red, 100, 200] for red in (17, 16, 18)]  # the target first
    assert seen == [color[::-1] if bgr else color for color in colors]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([f"{FOLDER}/000003", f"{FOLDER}/000001"], ["000003", "000001"]),
        (["a/000003", "b/000001"], ["000000", "000001"]),
        ([f"{FOLDER}/000003", f"{FOLDER}/frame"], ["000000", "000001"]),
        (["drive/0000000012"], ["000000"]),
    ],
)
def test_predictions_are_numbered_by_scene_or_by_their_place(tmp_path, names, expected):
    folder = write_strips(tmp_path, names)
    assert flow.open_strips(folder, (HEIGHT, WIDTH), 3)[1] == expected


def test_missing_and_bad_strips_are_told_before_anything_is_computed(tmp_path):
    with pytest.raises(InputError, match="test_flow.txt is missing; .*multiview_extension.py"):
        flow.open_strips(tmp_path, (HEIGHT, WIDTH), 3)
    folder, model = write_strips(tmp_path, [f"{FOLDER}/000000", f"{FOLDER}/000001"]), Stub()
    (folder / FOLDER / "000001_cam.txt").unlink()
    with pytest.raises(InputError, match="1 of 2 strips of .*000001_cam.txt is missing"):
        run_test(model, folder)
    with pytest.raises(InputError, match="is 96x16, expected 160x16"):
        flow.open_strips(folder, (HEIGHT, WIDTH), 5)
    assert not model.seen


def test_given_the_truth_the_same_run_evaluates(tmp_path, capsys):
    golden_trees.write_flow(tmp_path)
    model = Stub((HEIGHT, WIDTH))
    names = [f"{FOLDER}/{number:06d}" for number in (2, 0, 1)]
    out, places = run_test(model, write_strips(tmp_path, names), tmp_path / "kitti")
    said = capsys.readouterr().out
    flow_scoring.evaluate_files(tmp_path / "kitti", out, places, NO_PANELS)
    assert [line for line in said.splitlines() if line.startswith("Mean ")] == [
        line for line in capsys.readouterr().out.splitlines() if line.startswith("Mean ")
    ]
    assert len((out / "flow_result.txt").read_text().splitlines()) == 3
    assert json.loads(places.metrics_json.read_text())["images"] == 3


def test_a_scene_that_no_strip_shows_is_told_before_anything_is_computed(tmp_path):
    golden_trees.write_flow(tmp_path)
    model = Stub((HEIGHT, WIDTH))
    folder = write_strips(tmp_path, [f"{FOLDER}/000000", f"{FOLDER}/000002"])
    with pytest.raises(InputError, match="1 of 3 scenes, first 000001, are not in .*test_flow.txt"):
        run_test(model, folder, tmp_path / "kitti")
    assert not model.seen


def score(folder, panels=NO_PANELS):
    places = places_of("eval_flow", folder / "numbers", "", "", "")
    flow_scoring.evaluate_files(folder / "kitti", folder / "pred", places, panels)
    return json.loads(places.metrics_json.read_text())


def test_all_scenes_that_are_there_count(tmp_path):
    golden_trees.write_flow(tmp_path)
    (tmp_path / "kitti/training/flow_noc/000001_10.png").unlink()
    assert score(tmp_path)["images"] == 2
    lines = EXPECTED["flow"]["result_txt"].splitlines()
    assert (tmp_path / "pred/flow_result.txt").read_text().splitlines() == [lines[0], lines[2]]


def test_a_known_error(tmp_path):
    """4 pixels too far to the right everywhere: every pixel is an outlier."""
    truth = np.zeros((12, 20, 2), np.float32)
    for kind in ("noc", "occ"):
        write_flow_png(tmp_path / f"kitti/training/flow_{kind}/000004_10.png", truth)
    write_flow_png(tmp_path / "pred/png/000004.png", truth[:6, :10] + np.float32([2, 0]))
    numbers = score(tmp_path)
    assert numbers["noc_epe"] == numbers["occ_epe"] == 4
    assert numbers["noc_accuracy"] == 0 and numbers["occ_fl"] == 100


@pytest.mark.parametrize(
    ("removed", "text"),
    [
        ("kitti/training/flow_occ/000001_10.png", "flow_occ/000001_10.png is missing; unpack"),
        ("pred/png/000002.png", "1 of 3 predictions are missing, first .*png/000002.png; --mode"),
        ("kitti/training/flow_noc", "flow_noc holds no 000000_10.png ...; unpack KITTI's data_sc"),
        ("pred/png", "3 of 3 predictions are missing, .* give the folder that holds png/"),
    ],
)
def test_missing_files_are_named(tmp_path, removed, text):
    golden_trees.write_flow(tmp_path)
    (tmp_path / removed).rename(tmp_path / "away")
    with pytest.raises(InputError, match=text):
        score(tmp_path)
    assert not (tmp_path / "pred" / "flow_result.txt").exists()


def test_a_truth_without_a_known_pixel_is_named(tmp_path):
    golden_trees.write_flow(tmp_path)
    path = tmp_path / "kitti/training/flow_occ/000001_10.png"
    write_flow_png(path, np.zeros((12, 20, 2)), np.zeros((12, 20)))
    with pytest.raises(InputError, match="flow_occ/000001_10.png: no pixel has a ground truth"):
        score(tmp_path)


def test_panels_show_the_worst_and_the_best_scene(tmp_path):
    golden_trees.write_flow(tmp_path)
    with pytest.raises(InputError, match="image_2/000000_10.png, which save_panels draws, is miss"):
        score(tmp_path, (1, tmp_path / "panels"))
    folder = tmp_path / "kitti" / "training" / "image_2"
    folder.mkdir()
    for number in range(3):
        Image.new("RGB", (100, 30), (10, 80 * number, 40)).save(folder / f"{number:06d}_10.png")
    score(tmp_path, (1, tmp_path / "panels"))
    drawn = {path.stem: cv2.imread(str(path)) for path in (tmp_path / "panels").iterdir()}
    assert drawn.keys() == {"worst1", "best1"}
    # Their end-point errors are 2.38, 2.64 and 2.76: scene 2 is the worst, scene 0 the best.
    assert drawn["worst1"][100, 100, 1] == 160 and drawn["best1"][100, 100, 1] == 0
