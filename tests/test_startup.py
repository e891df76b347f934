"""What infer.py does before its first result: no initial values that a checkpoint replaces, no
compilation for a single image, one for a folder, hardly a garbage collection."""

import importlib
import json
import re

import numpy as np
import pytest
from PIL import Image

from depthnet.src.model_utils.program import keys_read
from scripts.models import MODELS as ROWS
from tests.conftest import REPOSITORY
from tests.depthnet.conftest import ckpt_flags
from tests.watched import watched


def _depthnet(folder):
    from depthnet.src.model_utils.checkpoint import save_networks
    from depthnet.src.networks import CoarseNet, FineNet

    paths = ckpt_flags(folder)[1::2]
    for network, path in zip((CoarseNet(), FineNet()), paths):
        save_networks({"net": network}, path)
    return ["--model_weights", *paths], 2


def _midas(folder):
    from tests.midas.small import SMALL, save_positive

    weights = save_positive(folder / "small.ckpt")
    return [*SMALL, "--img_width", 96, "--img_height", 64, "--model_weights", weights], 1


def _monodepth2(folder):
    from tests.monodepth2.predicted import golden_weights

    return ["--load_weights_folder", golden_weights(folder / "weights", 96, 160)], 1


def _geonet(folder):
    from tests.geonet.golden_networks import save_filled

    save_filled(folder / "model-7.ckpt", ["depth_net"])
    return ["--init_ckpt_file", folder / "model-7"], 1


MODELS = {
    "depthnet": (_depthnet, "--input_path"),
    "midas": (_midas, "--input_path"),
    "monodepth2": (_monodepth2, "--image_path"),
    "geonet": (_geonet, "--image_path"),
}


@pytest.mark.parametrize("model", MODELS)
def test_without_weights_a_line_names_the_published_ones_and_the_quickstart_s(model, program):
    line = program(model).refuse("infer.py")
    published = importlib.import_module(f"{model}.src.weights").PUBLISHED
    assert line.endswith(f"; {published}")
    commands = dict(re.findall(r"`(?:python|bash) (\S+) ([^`]+)`", published))
    assert commands["../scripts/quickstart.sh"] == model
    assert re.findall(r"--\w+", commands["convert.py"]) == ["--source_path", "--target_path"]
    # The flags are infer.py's, and the quickstart's weights lie in its folder.
    read = keys_read(REPOSITORY / model / "infer.py") | {"config_path"}
    flags = re.sub("`[^`]+`", "", published)
    assert set(re.findall(r"--(\w+)", flags)) <= read
    folders = set(re.findall(r"\.\./out/(\w+)/", flags))
    assert folders == {ROWS[model].quickstarts[""].folder}


_COLLECTED = """
import gc, json, runpy, sys
sys.argv = ["infer.py", "--help"]
runpy.run_path("infer.py", run_name="__main__")
collections = sum(generation["collections"] for generation in gc.get_stats())
print(json.dumps([collections, gc.get_freeze_count(), *gc.get_threshold()]))
"""


def test_python_does_not_look_for_garbage_among_what_is_imported(program):
    out, _ = program("midas").run("-c", _COLLECTED)
    collections, frozen, *thresholds = json.loads(out.splitlines()[-1])
    assert collections < 100 and frozen > 100_000  # with the usual thresholds: 437 collections
    assert thresholds == [700, 10, 10]  # the usual ones


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_one_image_compiles_nothing_and_a_folder_each_network_once(
    model, program, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    make, flag = MODELS[model]
    weights, networks = make(tmp_path)
    photos = tmp_path / "photos"
    photos.mkdir()
    rng = np.random.default_rng(0)
    for name in "abc":
        pixels = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(photos / f"{name}.png")
    flags = [*weights, "--formats", "npy", "--device_target", "CPU"]
    run = program(model), "infer.py", *flags
    out, counts = watched(*run, flag, photos / "a.png", "--output_path", tmp_path / "one")
    assert "1 images in" in out and counts == {"initial": 0, "compiled": 0}
    out, counts = watched(*run, flag, photos, "--output_path", tmp_path / "all")
    assert "3 images in" in out and counts == {"initial": 0, "compiled": networks}
    kept = list((tmp_path / "cache").rglob("*.graph"))
    assert len(kept) == networks
    # Now that there are graphs, a single image takes them too.
    _, counts = watched(*run, flag, photos / "a.png", "--output_path", tmp_path / "again")
    assert counts["compiled"] == networks and set((tmp_path / "cache").rglob("*.graph")) == {*kept}
    one, *others = (np.load(tmp_path / folder / "a.npy") for folder in ("one", "all", "again"))
    for other in others:
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    assert one.std() > 0
