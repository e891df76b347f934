"""DepthNet's programs as a user runs them, from training to the 310 path."""

import csv
import json
import shutil

import cv2
import mindspore as ms
import numpy as np
import pytest

from depthnet.src.model_utils.files import read_record
from depthnet.src.model_utils.images import read_pfm, read_png
from tests.depthnet.conftest import QUICK, ckpt_flags
from tests.reports import look_at, read_report

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def depthnet(program):
    return program("depthnet")


@pytest.fixture(scope="module")
def graphs(depthnet, straight):
    """Folder with the three exported graphs."""
    for kind in ("coarse", "fine", "both"):
        out, _ = depthnet.run("export.py", "--coarse_or_fine", kind, *flags(straight))
        difference = float(out.split("maximum difference ")[1].split()[0])
        assert difference < 1e-4
    return depthnet.folder / "Model" / "MindIR"


@pytest.fixture(scope="module")
def evaluated(depthnet, straight, nyu):
    """(content of metrics_json, what eval.py printed) of the trained networks, with panels."""
    extra = ["--save_panels", 1, "--panels_path", "drawn", "--metrics_json", "m.json"]
    extra += ["--report", "report.html"]
    out, _ = depthnet.run("eval.py", "--test_data", nyu, *flags(straight), *extra)
    return json.loads((depthnet.folder / "m.json").read_text()), out


def flags(straight):
    return ckpt_flags(straight[0] / "Ckpt")


def test_training_logs_and_files(straight):
    folder, out = straight
    assert "training coarse net, step: 0 loss: " in out and " time cost: " in out
    assert "training fine net, step: 1 loss: " in out
    names = sorted(path.name for path in (folder / "Ckpt").iterdir())
    assert names == [
        "CoarseNet_0.ckpt",
        "FinalCoarseNet.ckpt",
        "FinalFineNet.ckpt",
        "FineNet_0.ckpt",
    ]
    record = read_record(folder / "Ckpt" / "FinalFineNet.ckpt")
    assert record == {"size": [304, 228], "step": 3}
    assert read_record(folder / "Ckpt" / "CoarseNet_0.ckpt") == {"size": [304, 228], "step": 1}
    with (folder / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    coarse, fine = ([(name, str(n)) for n in range(k)] for name, k in (("coarse", 4), ("fine", 3)))
    assert [(row["stage"], row["step"]) for row in rows] == [*coarse, *fine]
    assert {(row["stage"], row["lr"]) for row in rows} == {("coarse", "0.0001"), ("fine", "1e-05")}
    assert cv2.imread(str(folder / "curves.png")).shape[1] == 2 * 480
    assert "batch_size: 1" in (folder / "config.yaml").read_text()


def test_the_fine_stage_leaves_the_coarse_net_alone(depthnet, straight, nyu):
    before = (straight[0] / "Ckpt" / "FinalCoarseNet.ckpt").read_bytes()
    other = shutil.copytree(straight[0], depthnet.folder / "fine_only")
    (other / "state_fine.ckpt").unlink()
    old = (other / "Ckpt" / "FinalFineNet.ckpt").read_bytes()
    once = ["--stage", "fine", "--train_url", other, "--learning_rate_min", 0.01]
    depthnet.run("train.py", "--data_url", nyu, *QUICK, "--fine_net_train_step", 1, *once)
    assert (other / "Ckpt" / "FinalCoarseNet.ckpt").read_bytes() == before
    assert (other / "Ckpt" / "FinalFineNet.ckpt").read_bytes() != old


def test_pre_trained_and_continue_training_start_from_given_weights(depthnet, straight, nyu):
    """With a learning rate of nearly nothing the result is what it started from."""
    start = straight[0] / "Ckpt" / "FinalCoarseNet.ckpt"
    url = depthnet.folder / "again"
    (url / "Ckpt").mkdir(parents=True)
    shutil.copy(start, url / "Ckpt")
    (url / "PreTrained").mkdir()
    shutil.copy(start, url / "PreTrained" / "pre_trained.ckpt")
    still = ["--learning_rate_max", 1e-12, "--learning_rate_min", 1e-12, "--stage", "coarse"]
    still += ["--coarse_net_train_step", 1]
    expected = ms.load_checkpoint(str(start))
    for choice in (["--pre_trained", 1], ["--continue_training", 1]):
        depthnet.run("train.py", "--data_url", nyu, "--train_url", url, *QUICK, *still, *choice)
        got = ms.load_checkpoint(str(url / "Ckpt" / "FinalCoarseNet.ckpt"))
        for name, value in expected.items():
            np.testing.assert_allclose(got[name].asnumpy(), value.asnumpy(), atol=1e-6)


def test_evaluation_prints_writes_and_draws(depthnet, evaluated):
    result, out = evaluated
    assert len(result["images"]) == 3
    for stage in ("coarse", "fine"):
        value = result["average"][stage]["abs_relative_loss"]
        assert f"abs_relative_loss:  {value:.6f}" in out
        images = [row[stage]["abs_relative_loss"] for row in result["images"]]
        assert value == pytest.approx(np.mean(images))
    drawn = sorted(path.name for path in (depthnet.folder / "drawn").iterdir())
    assert [name.split("_")[0] for name in drawn] == ["best", "worst"]
    worst = max(result["images"], key=lambda row: row["fine"]["abs_relative_loss"])
    assert worst["name"].split("/")[-1].removesuffix(".png") in drawn[1]
    assert cv2.imread(str(depthnet.folder / "drawn" / drawn[0])).shape == (276, 4 * 304, 3)


def test_the_report_shows_what_was_evaluated(depthnet, evaluated, tmp_path):
    metrics, out = evaluated
    report = read_report(depthnet.folder / "report.html")
    assert "wrote report.html" in out
    assert report.columns == ["fine", "coarse", "mean map", "constant"]
    means = metrics["average"]["fine"]
    assert report.network == pytest.approx(means, abs=1e-4)
    count = min(len(metrics["images"]), 6)
    assert report.images == 5 * count and report.clouds == 1
    assert look_at(depthnet.folder / "report.html", tmp_path) == report.images
    # The errors' histogram, and the loss of both stages from the training's metrics.csv.
    assert report.charts == 3 and "Training" in report.headings
    assert "--report report.html" in report.text


def test_a_wrong_place_for_the_report_is_told_before_anything_else(depthnet):
    line = depthnet.refuse("eval.py", "--test_data", "nowhere", "--report", "missing/a.html")
    assert line == "error: report missing/a.html: the folder missing is missing; make it first"


def test_metrics_do_not_depend_on_the_batch(depthnet, straight, nyu, evaluated):
    extra = ["--eval_batch_size", 2, "--metrics_json", "b2.json"]
    depthnet.run("eval.py", "--test_data", nyu, *flags(straight), *extra)
    one, two = evaluated[0], json.loads((depthnet.folder / "b2.json").read_text())
    for stage in ("coarse", "fine"):
        for name, value in one["average"][stage].items():
            assert two["average"][stage][name] == pytest.approx(value, rel=1e-3)


def test_graphs_have_plain_operators(graphs):
    """Other devices, and MindSpore Lite, do not get what is fast on a CPU."""
    for name in ("FinalCoarseNet", "FinalFineNet", "DepthNet"):
        content = (graphs / f"{name}.mindir").read_bytes()
        assert b"MaxPool" in content and b"BatchMatMul" not in content


def test_sidecars_describe_the_graphs(graphs):
    names = {"FinalCoarseNet": "log_depth", "FinalFineNet": "log_depth", "DepthNet": "depth"}
    for name, meaning in names.items():
        sidecar = json.loads((graphs / f"{name}.json").read_text())
        assert sidecar["outputs"][0]["meaning"] == meaning
        assert sidecar["image"]["crop"]["height"] == 456
        assert (graphs / f"{name}.mindir").exists()
    fine = json.loads((graphs / "FinalFineNet.json").read_text())
    assert [item["source"] for item in fine["inputs"]] == ["image", "previous_output"]


def test_air_is_refused_without_an_ascend(depthnet, straight):
    line = depthnet.refuse("export.py", "--file_format", "AIR", *flags(straight))
    assert "AIR needs an Ascend card" in line


def test_images_are_predicted_alike_from_checkpoints_and_graphs(depthnet, straight, graphs, nyu):
    images = [
        "--input_path",
        nyu / "Test" / "*_colors.png",
        "--formats",
        "png",
        "pfm",
        "npy",
        "color",
    ]
    ckpt = flags(straight)[1::2]
    sources = {
        "a": ckpt,
        "b": [graphs / "FinalCoarseNet.mindir", graphs / "FinalFineNet.mindir"],
        "c": [graphs / "DepthNet.mindir"],
    }
    for out, weights in sources.items():
        printed, _ = depthnet.run(
            "infer.py", *images, "--output_path", out, "--model_weights", *weights
        )
        assert "3 images in" in printed and "images/s" in printed
    for number in range(3):
        stem = f"{number:05}_colors"
        maps = [np.load(depthnet.folder / out / f"{stem}.npy") for out in "abc"]
        assert maps[0].shape == (480, 640)
        np.testing.assert_allclose(maps[1], maps[0], rtol=1e-4)
        np.testing.assert_allclose(maps[2], maps[0], rtol=1e-4)
        png = read_png(depthnet.folder / "a" / f"{stem}.png", 16)
        np.testing.assert_allclose(png, maps[0] * 1000, atol=0.51)
        np.testing.assert_array_equal(read_pfm(depthnet.folder / "a" / f"{stem}.pfm"), maps[0])
        assert cv2.imread(str(depthnet.folder / "a" / f"{stem}_color.png")).shape == (480, 640, 3)


def test_inference_of_a_test_image_equals_evaluation(depthnet, straight, nyu, evaluated):
    """The crop's part of the full-size map, sampled where the network's pixels lie."""
    single = ["--input_path", nyu / "Test" / "00000_colors.png", "--output_path", "one"]
    weights = ["--model_weights", *flags(straight)[1::2]]
    depthnet.run("infer.py", *single, *weights, "--formats", "npy")
    full = np.load(depthnet.folder / "one" / "00000_colors.npy")
    small = cv2.resize(full[12:468, 16:624], (74, 55), interpolation=cv2.INTER_AREA)
    row = evaluated[0]["images"][0]["fine"]
    target = cv2.imread(str(nyu / "Test" / "00000_depth.png"), -1) / 1000
    target = np.clip(cv2.resize(target[12:468, 16:624], (74, 55)), 0.1, 10)
    error = np.mean(np.abs(small - target) / target)
    assert error == pytest.approx(row["abs_relative_loss"], rel=0.02)


def test_a_folder_with_a_broken_image_and_a_video(depthnet, straight, nyu):
    folder = depthnet.folder / "mixed"
    folder.mkdir()
    shutil.copy(nyu / "Test" / "00000_colors.png", folder / "photo.png")
    cv2.imwrite(str(folder / "wide.jpg"), np.full((90, 320, 3), 90, np.uint8))
    (folder / "broken.jpg").write_bytes(b"broken")
    writer = cv2.VideoWriter(
        str(folder / "clip.mp4"), cv2.VideoWriter_fourcc(*"mp4v"), 10, (160, 120)
    )
    for level in range(3):
        writer.write(np.full((120, 160, 3), 60 * level, np.uint8))
    writer.release()
    command = ["--input_path", folder, "--output_path", "mixed_out", "--formats", "color", "npy"]
    command += ["--model_weights", *flags(straight)[1::2]]
    assert "broken.jpg" in depthnet.refuse("infer.py", *command)
    out, err = depthnet.run("infer.py", *command, "--skip_bad_samples", "True")
    assert "left out" in err and "broken.jpg" in err and "5 images in" in out
    result = depthnet.folder / "mixed_out"
    assert np.load(result / "wide.npy").shape == (90, 320)
    assert sorted(path.name for path in (result / "clip").iterdir()) == [
        f"{number:06}.npy" for number in range(3)
    ]
    video = cv2.VideoCapture(str(result / "clip_color.mp4"))
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) == 3
    assert (video.get(cv2.CAP_PROP_FRAME_WIDTH), video.get(cv2.CAP_PROP_FPS)) == (160, 10)


def test_the_310_path_scores_like_the_evaluation(depthnet, straight, nyu, evaluated):
    """preprocess -> (the networks here, in place of the card) -> postprocess."""
    from depthnet.src.evaluation import Evaluator
    from depthnet.src.model_utils.checkpoint import load_networks
    from depthnet.src.networks import CoarseNet, FineNet

    depthnet.run("preprocess.py", "--dataset_path", nyu / "Test", "--output_path", "pre")
    nets = CoarseNet(), FineNet()
    for net, path in zip(nets, flags(straight)[1::2]):
        load_networks({"net": net}, path)
    results = depthnet.folder / "result_Files"
    results.mkdir()
    for path in sorted((depthnet.folder / "pre" / "img_data").iterdir()):
        assert path.stat().st_size == 831_744
        rgb = np.fromfile(path, np.float32).reshape(1, 3, 228, 304)
        Evaluator(*nets).predict(rgb)["fine"].tofile(results / f"{path.stem}_0.bin")
    paths = ["--result_path", "result_Files", "--label_file", "pre/label"]
    out, _ = depthnet.run("postprocess.py", *paths)
    assert (depthnet.folder / "acc.log").read_text() in out
    value = float(out.split("abs_relative_loss:  ")[1].split()[0])
    expected = evaluated[0]["average"]["fine"]
    assert value == pytest.approx(expected["abs_relative_loss"], rel=1e-4)
    assert "exists" in depthnet.refuse(
        "preprocess.py", "--dataset_path", nyu / "Test", "--output_path", "pre"
    )


def test_conversion_strips_the_optimizer_and_reads_npz(depthnet, straight):
    final = straight[0] / "Ckpt" / "FinalFineNet.ckpt"
    expected = {k: v.asnumpy() for k, v in ms.load_checkpoint(str(final)).items()}
    out, _ = depthnet.run(
        "convert.py", "--source_path", straight[0] / "state_fine.ckpt", "--target_path", "fine.ckpt"
    )
    assert "FineNet: 3 mapped, 0 missing" in out and "left over: moment1.conv1.weight" in out
    np.savez(depthnet.folder / "fine.npz", **{f"net.{k}": v for k, v in expected.items()})
    depthnet.run("convert.py", "--source_path", "fine.npz", "--target_path", "fine2.ckpt")
    for name in ("fine.ckpt", "fine2.ckpt"):
        got = ms.load_checkpoint(str(depthnet.folder / name))
        assert got.keys() == expected.keys()
        for key, value in expected.items():
            np.testing.assert_array_equal(got[key].asnumpy(), value)


def test_a_reader_that_has_enough_ends_a_program_without_a_word(depthnet):
    """As `python train.py --help | head -1` does."""
    process = depthnet.start("train.py", "--help")
    process.stdout.close()
    assert process.stderr.read() == "" and process.wait(timeout=60) == 1


def test_half_precision_trains_both_stages(depthnet, nyu):
    steps = ["--coarse_net_train_step", 1, "--fine_net_train_step", 1, "--batch_size", 1]
    out, _ = depthnet.run(
        "train.py", "--data_url", nyu, "--train_url", "half", *steps, "--amp_level", "O2"
    )
    assert "training coarse net, step: 0" in out and "training fine net, step: 0" in out
    final = ms.load_checkpoint(str(depthnet.folder / "half" / "Ckpt" / "FinalCoarseNet.ckpt"))
    for value in final.values():
        assert value.dtype == ms.float32 and np.isfinite(value.asnumpy()).all()
