"""The six evaluation datasets: trees on disk, masks, names, where they are looked for."""

import shutil
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from midas.src.datasets.zero_shot import DATASETS, PROTOCOLS, dataset_root, open_datasets
from midas.src.model_utils.config import read_options
from midas.src.model_utils.errors import InputError
from tests.conftest import REPOSITORY
from tests.midas.eval_trees import (
    DIW_TABLE,
    ETH3D_DEPTH,
    FOLDERS,
    KITTI_DEPTH,
    OCCLUSION,
    TREE,
    TUM_DEPTH,
    TUM_TABLE,
    diw,
    first,
    root_of,
    write_png,
)
from tests.midas.made_images import what_a_reader_sees

STANDARD, MODELZOO = PROTOCOLS["standard"], PROTOCOLS["modelzoo"]


def test_absent_diw_images_are_left_out_and_counted(tree, capsys):
    first(tree, "DIW/DIW_test/img1.thumb").unlink()
    dataset = DATASETS["DIW"](tree / "DIW", STANDARD)
    assert len(dataset) == 7
    assert "left out 3 of 10 rows whose image is missing" in capsys.readouterr().out
    for image in tree.glob("DIW/DIW_test/*"):
        image.unlink()
    with pytest.raises(InputError, match="no DIW images there"):
        DATASETS["DIW"](tree / "DIW", STANDARD)


def test_the_first_absent_diw_image_is_named_at_once(tree, monkeypatch):
    for name in ("img2", "img1"):
        first(tree, f"DIW/DIW_test/{name}.thumb").unlink()
    seen = what_a_reader_sees(monkeypatch)
    DATASETS["DIW"](tree / "DIW", STANDARD)
    image = tree / "DIW" / "DIW_test" / "img1.thumb"
    assert seen() == f"DIW: left out 6 of 10 rows whose image is missing: {image} ...\n"


def test_an_empty_folder_is_an_error_that_tells_the_layout(tmp_path):
    for name in ("Kitti", "Sintel", "TUM", "ETH3D"):
        with pytest.raises(InputError, match=f"no {name} images there; expected "):
            DATASETS[name](tmp_path, STANDARD)


@pytest.mark.parametrize("name", ["TUM", "ETH3D", "DIW", "Kitti", "Sintel", "NYU"])
def test_the_modelzoo_protocol_swaps_colours_where_the_original_did(name):
    images = [
        DATASETS[name](root_of(TREE, name), protocol).load(0).image
        for protocol in (STANDARD, MODELZOO)
    ]
    swapped = name in ("TUM", "ETH3D", "DIW")
    assert np.array_equal(images[0], images[1][..., ::-1]) == swapped
    assert np.array_equal(images[0], images[1]) != swapped


def test_masks_end_at_zero_and_at_the_cap(tree):
    path = first(tree, KITTI_DEPTH)
    values = np.full((40, 130), 256)
    values[0, :3] = 0, 80 * 256, 80 * 256 - 1
    write_png(path, values, np.uint16)
    sample = DATASETS["Kitti"](tree / "Kitti_raw_data", STANDARD).load(0)
    np.testing.assert_array_equal(sample.mask[0, :4], [False, False, True, True])


def test_what_has_no_depth_does_not_count(tree):
    """ETH3D marks it by infinity, NYU by 0; all else below the cap counts."""
    path = first(tree, ETH3D_DEPTH)
    depth = np.full((42, 63), 5, "<f4")
    depth[0, :3] = np.inf, 72, 71.9
    path.write_bytes(depth.tobytes())
    sample = DATASETS["ETH3D"](tree / "ETH3D", STANDARD).load(0)
    np.testing.assert_array_equal(sample.mask, depth < 72)
    sample = DATASETS["NYU"](root_of(tree, "NYU"), STANDARD).load(0)
    assert sample.mask.any()
    np.testing.assert_array_equal(sample.mask, (sample.depth > 0) & (sample.depth < 10))


def test_a_depth_of_zero_is_none(tree):
    """TUM and NYU mark pixels without depth by 0; KITTI's reader by -1."""
    path = first(tree, TUM_DEPTH)
    values = np.full((48, 64), 5000)
    values[0, :2] = 0, 1
    write_png(path, values, np.uint16)
    sample = DATASETS["TUM"](tree / "TUM", STANDARD).load(0)
    np.testing.assert_array_equal(sample.mask[0, :3], [False, True, True])


def test_the_mask_may_end_elsewhere_than_the_metric(tree):
    dataset = DATASETS["TUM"](tree / "TUM", STANDARD)
    write_png(first(tree, TUM_DEPTH), np.full((48, 64), 9 * 5000), np.uint16)
    assert dataset.load(0).mask.all()
    dataset.mask_cap = 9
    assert not dataset.load(0).mask.any()


def test_names_tell_the_image_below_the_dataset_s_folder():
    names = {name: DATASETS[name](root_of(TREE, name), STANDARD).name(0) for name in DATASETS}
    assert names == {
        "Kitti": "2011_09_26_drive_0002_sync/image/0000000005.png",
        "Sintel": "final_left/alley_1/frame_0001.png",
        "TUM": "rgbd_dataset_freiburg2_desk_with_person/rgb/1311870400.1.png",
        "DIW": "DIW_test/img0.thumb",
        "ETH3D": "courtyard/images/dslr_images/DSC_0001.JPG",
        "NYU": "0001",
    }


def test_what_each_dataset_is_scored_by():
    """Metric, cap in metres, bound of the size at the network, target resized, fed as BGR."""
    found = {
        name: (d.metric, d.cap, d.resize_method, d.resize_target, d.bgr_by_mistake)
        for name, d in DATASETS.items()
    }
    assert found == {
        "Sintel": ("abs_rel", 72, "upper_bound", False, False),
        "Kitti": ("delta", 80, "lower_bound", False, False),
        "TUM": ("delta", 10, "upper_bound", False, True),
        "DIW": ("whdr", 10, "upper_bound", False, True),
        "ETH3D": ("abs_rel", 72, "upper_bound", True, True),
        "NYU": ("delta", 10, "upper_bound", False, False),
    }


def test_the_original_has_every_fault_and_the_standard_none():
    assert set(vars(STANDARD).values()) == {True} and set(vars(MODELZOO).values()) == {False}


def test_annotations_and_protocols_do_not_change(tree):
    order = DATASETS["DIW"](tree / "DIW", STANDARD).load(0).order
    for constant, name in ((order, "relation"), (STANDARD, "rgb")):
        with pytest.raises(FrozenInstanceError):
            setattr(constant, name, None)


def test_a_row_of_diw_names_the_last_folder_and_the_file(tree):
    diw("7,3,1,4,<,6,9")(table := first(tree, DIW_TABLE))
    table.write_text(table.read_text().replace("./DIW_test/img0", "./any/where/DIW_test/img0"))
    dataset = DATASETS["DIW"](tree / "DIW", STANDARD)
    assert len(dataset) == 11 and dataset.name(10) == "DIW_test/img0.thumb"
    order = dataset.load(10).order
    assert (order.points, order.relation, order.size) == ((6, 2, 0, 3), "<", (6, 9))


def test_sintel_counts_pixels_whose_occlusion_map_is_255(tree):
    path = first(tree, OCCLUSION)
    seen = np.full((44, 104), 255)
    seen[0, 0], seen[0, 1] = 254, 0
    write_png(path, seen, np.uint8)
    sample = DATASETS["Sintel"](tree / "sintel", STANDARD).load(0)
    expected = (seen == 255) & (sample.depth > 0) & (sample.depth < 72)
    np.testing.assert_array_equal(sample.mask, expected)


PLACES = {name: f"/{folder}" for name, folder in FOLDERS.items()}
PLACES["NYU"] = ["/NYU/nyu.mat", "/NYU/splits.mat"]


def test_paths_join_as_in_the_original(tree):
    assert dataset_root("TUM", "/TUM", tree) == (tree / "TUM", None)
    assert dataset_root("TUM", str(tree / "TUM"), "/nowhere") == (tree / "TUM", None)
    assert dataset_root("TUM", "/TUM", "/nowhere") == (None, "/nowhere/TUM")
    nyu = [str(tree / "NYU" / name) for name in ("nyu.mat", "splits.mat")]
    found, _ = dataset_root("NYU", nyu, "/nowhere")
    assert list(map(str, found)) == nyu
    with pytest.raises(InputError, match="datapath_NYU: expected nyu.mat and splits.mat"):
        dataset_root("NYU", ["/NYU/nyu.mat"], tree)


def test_all_skips_what_is_not_there_and_a_name_does_not(tree, capsys):
    shutil.rmtree(tree / "TUM")
    (tree / "NYU" / "splits.mat").unlink()
    found = open_datasets(PLACES, tree, STANDARD, skip_absent=True)
    assert list(found) == ["Kitti", "Sintel", "DIW", "ETH3D"]
    out = capsys.readouterr().out
    assert f"TUM: skipped, {tree / 'TUM'} is not there\n" in out and "NYU: skipped, " in out
    for name in ("TUM", "NYU"):
        with pytest.raises(InputError, match=f"{name}: .* is not there; check --train_data_dir"):
            open_datasets({name: PLACES[name]}, tree, STANDARD)
    with pytest.raises(InputError, match="none of the datasets is on disk"):
        open_datasets(PLACES, "/nowhere", STANDARD, skip_absent=True)


def test_an_image_and_a_depth_map_of_two_sizes_are_refused(tree):
    write_png(first(tree, TUM_DEPTH), np.ones((9, 7)), np.uint16)
    with pytest.raises(InputError, match="depth.*png differ in size: 64x48 and 7x9"):
        DATASETS["TUM"](tree / "TUM", STANDARD).load(0)


def test_a_line_of_tum_that_names_no_two_files_is_told(tree):
    path = first(tree, TUM_TABLE)
    lines = path.read_text().splitlines()
    absent = path.parent / "depth" / "no.png"
    for line, message in (
        (f"{lines[0].split()[0]} depth/no.png", f"line 2: {absent} is missing"),
        ("1.0 a 1.0 b", "line 2: expected `image depth`, got '1.0 a 1.0 b'"),
    ):
        path.write_text(f"{lines[0]}\n{line}\n")
        with pytest.raises(InputError, match=message):
            DATASETS["TUM"](tree / "TUM", STANDARD)


def test_a_skipped_dataset_is_named_at_once(tree, monkeypatch):
    seen = what_a_reader_sees(monkeypatch)
    places = {"TUM": "/nowhere", "ETH3D": PLACES["ETH3D"]}
    assert list(open_datasets(places, tree, STANDARD, skip_absent=True)) == ["ETH3D"]
    assert seen() == f"TUM: skipped, {tree / 'nowhere'} is not there\n"


def test_the_synthetic_trees_are_read(midas_data):
    """All six formats from another writer than the goldens', at the config's default places."""
    defaults = read_options(REPOSITORY / "midas" / "config.yaml").defaults
    places = {name: defaults[f"datapath_{name}"] for name in DATASETS}
    found = open_datasets(places, midas_data, STANDARD)
    assert list(found) == ["Sintel", "Kitti", "TUM", "DIW", "ETH3D", "NYU"]
    for name, dataset in found.items():
        sample = dataset.load(len(dataset) - 1)
        assert sample.image.shape == (60, 80, 3)
        if name != "DIW":
            assert sample.mask.mean() > 0.05, name
            assert 0.3 < np.median(sample.depth[sample.mask]) < dataset.cap


def test_the_choices_of_config_yaml_are_the_datasets_and_the_protocols():
    allowed = read_options(REPOSITORY / "midas" / "config.yaml").allowed
    assert allowed["data_name"] == ["all", *DATASETS]
    assert allowed["eval_protocol"] == list(PROTOCOLS)
