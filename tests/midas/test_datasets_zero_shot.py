"""The six evaluation datasets: trees on disk, masks, and a table of what can be wrong."""

import shutil
import struct

import cv2
import h5py
import numpy as np
import pytest
from scipy.io import savemat

from midas.src.datasets.zero_shot import DATASETS, PROTOCOLS, dataset_root, open_datasets
from midas.src.model_utils.config import read_options
from midas.src.model_utils.errors import InputError
from tests.conftest import REPOSITORY

# Not $GOLDEN_DIR: the sizes in the messages below are those of these files.
TREE = REPOSITORY / "tests" / "golden" / "midas" / "eval_tree"
STANDARD, MODELZOO = PROTOCOLS["standard"], PROTOCOLS["modelzoo"]
FOLDERS = {
    "Kitti": "Kitti_raw_data",
    "Sintel": "sintel",
    "TUM": "TUM",
    "DIW": "DIW",
    "ETH3D": "ETH3D",
    "NYU": "NYU",
}


def write_png(path, values, dtype):
    assert cv2.imwrite(str(path), np.asarray(values, dtype))


@pytest.fixture
def tree(tmp_path):
    """A writable copy of the goldens' evaluation trees."""
    target = tmp_path / "tree"
    shutil.copytree(TREE, target)
    return target


def root_of(tree, name):
    folder = tree / FOLDERS[name]
    return [folder / "nyu.mat", folder / "splits.mat"] if name == "NYU" else folder


def first(tree, pattern):
    return sorted(tree.glob(pattern))[0]


def cut(path, count=7):
    path.write_bytes(path.read_bytes()[:-count])


def replace(path, **keys):
    """nyu.mat with other keys; None deletes."""
    with h5py.File(path, "a") as file:
        for key, value in keys.items():
            del file[key]
            if value is not None:
                file[key] = value


def dpt(path, header):
    path.write_bytes(struct.pack("<fii", *header) + path.read_bytes()[12:])


def add(text):
    """Append lines to a table."""
    return lambda path: path.write_text(path.read_text() + text)


def diw(row):
    return add(f"./DIW_test/img0.thumb\n{row}\n")


def png(values, dtype):
    return lambda path: write_png(path, values, dtype)


KITTI_IMAGE, KITTI_DEPTH = "Kitti_raw_data/*/image/*.png", "Kitti_raw_data/*/depth/*.png"
TUM_TABLE, TUM_DEPTH = "TUM/*/associate.txt", "TUM/*/depth/*.png"
SINTEL_DEPTH, OCCLUSION = "sintel/depth/*/*.dpt", "sintel/occlusions/*/*.png"
ETH3D_IMAGE, ETH3D_DEPTH = "ETH3D/*/images/*/*.JPG", "ETH3D/*/ground*/*/*.JPG"
DIW_TABLE, DIW_IMAGE = "DIW/*/DIW_test.csv", "DIW/DIW_test/*.thumb"
NYU, SPLITS = "NYU/nyu.mat", "NYU/splits.mat"
IMAGE_8 = np.full((48, 64), 200)

EMPTY_DPT = struct.pack("<fiifii", 202021.25, 0, 1, 202021.25, 1, 0)

# dataset, file that is damaged, what is done to it, what the error says beside the file's name
BAD = [
    ("Kitti", KITTI_IMAGE, cut, "truncated, or not an image"),
    ("Kitti", KITTI_IMAGE, lambda p: p.write_text("x"), "not an image"),
    ("Kitti", KITTI_DEPTH, lambda p: p.unlink(), "missing, it belongs to .*image.*deal.py"),
    ("Kitti", KITTI_DEPTH, png(IMAGE_8, np.uint8), "16 bits x 1.*got 8 x 1"),
    ("Kitti", KITTI_DEPTH, png(IMAGE_8, np.uint16), "largest value is 200"),
    ("Kitti", KITTI_DEPTH, png(IMAGE_8 * 9, np.uint16), "differ in size: 130x40"),
    ("TUM", TUM_TABLE, add("rgb/no.png depth/no.png\n"), "line 3: .*no.png is missing"),
    ("TUM", TUM_TABLE, add("1.0 rgb/a 1.0 d/a\n"), "line 3: expected `image depth`"),
    ("TUM", TUM_TABLE, lambda p: p.write_text(""), "no TUM images there.*associate.txt"),
    ("TUM", TUM_DEPTH, png(IMAGE_8, np.uint8), "16 bits x 1.*got 8 x 1"),
    ("TUM", TUM_DEPTH, png(IMAGE_8[:9], np.uint16), "differ in size: 64x48 and 64x9"),
    ("Sintel", SINTEL_DEPTH, cut, "truncated or damaged, 18309 bytes"),
    ("Sintel", SINTEL_DEPTH, lambda p: p.write_bytes(b"PIEH"), "tag is not 202021.25"),
    ("Sintel", SINTEL_DEPTH, lambda p: dpt(p, (1.5, 104, 44)), "tag is not 202021.25"),
    ("Sintel", SINTEL_DEPTH, lambda p: dpt(p, (202021.25, -104, 44)), "do not hold -104 x 44"),
    ("Sintel", SINTEL_DEPTH, lambda p: dpt(p, (202021.25, 44, 104)), "differ in size"),
    ("Sintel", SINTEL_DEPTH, lambda p: p.write_bytes(EMPTY_DPT[:12]), "do not hold 0 x 1"),
    ("Sintel", SINTEL_DEPTH, lambda p: p.write_bytes(EMPTY_DPT[12:]), "do not hold 1 x 0"),
    ("Sintel", SINTEL_DEPTH, lambda p: p.unlink(), "missing, it belongs to"),
    ("Sintel", OCCLUSION, lambda p: p.unlink(), "missing, it belongs to"),
    ("Sintel", OCCLUSION, png(IMAGE_8, np.uint8), "differ in size"),
    ("Sintel", OCCLUSION, png(IMAGE_8, np.uint16), "8 bits x 1.*got 16 x 1"),
    ("ETH3D", ETH3D_IMAGE, cut, "truncated, or not an image"),
    ("ETH3D", ETH3D_IMAGE, lambda p: p.write_bytes(b""), "not an image"),
    ("ETH3D", ETH3D_DEPTH, cut, "32249 bytes are not 42 x 63 float32"),
    ("ETH3D", ETH3D_DEPTH, lambda p: cut(p, 4), "32252 bytes are not 42 x 63 float32"),
    ("ETH3D", ETH3D_DEPTH, lambda p: p.unlink(), "missing, it belongs to"),
    ("DIW", DIW_TABLE, diw("7,43,31"), "line 22: '7,43,31' is not"),
    ("DIW", DIW_TABLE, diw("7,x,1,4,<,6,9"), "line 22"),
    ("DIW", DIW_TABLE, diw("7,3,1,4,=,6,9"), "relation is < or >"),
    ("DIW", DIW_TABLE, diw("7,7,1,4,<,6,9"), "within the image"),
    ("DIW", DIW_TABLE, diw("0,3,1,4,<,6,9"), "within the image"),
    ("DIW", DIW_TABLE, add("./DIW_test/img0.thumb\n"), "21 lines, expected pairs"),
    ("DIW", DIW_TABLE, lambda p: p.unlink(), "No such file.*DIW_test.csv of DIW_Annotations"),
    ("DIW", DIW_IMAGE, lambda p: p.write_bytes(b"GIF"), "not an image"),
    ("NYU", NYU, cut, "nyu.mat: .*nyu_depth_v2_labeled.mat"),
    ("NYU", NYU, lambda p: p.write_bytes(b"MATLAB 5.0"), "nyu.mat: .*nyu_depth_v2_labeled.mat"),
    ("NYU", NYU, lambda p: replace(p, images=None), "no key images"),
    ("NYU", NYU, lambda p: replace(p, rawDepths=None), "no key rawDepths"),
    ("NYU", NYU, lambda p: replace(p, rawDepths=np.ones((3, 64, 47))), "do not fit rawDepths"),
    ("NYU", SPLITS, lambda p: savemat(p, {"other": [1]}), "no key testNdxs"),
    ("NYU", SPLITS, lambda p: savemat(p, {"testNdxs": [[4]]}), "must be within 1..3"),
    ("NYU", SPLITS, lambda p: savemat(p, {"testNdxs": [[0]]}), "must be within 1..3"),
    ("NYU", SPLITS, lambda p: p.write_bytes(b"hello"), "splits.mat: cannot be read"),
    ("NYU", SPLITS, lambda p: p.write_bytes(b""), "splits.mat: cannot be read"),
]  # fmt: skip


@pytest.mark.parametrize("protocol", [STANDARD, MODELZOO], ids=["standard", "modelzoo"])
@pytest.mark.parametrize(("name", "pattern", "harm", "message"), BAD)
def test_bad_input_is_one_line_that_names_the_file(tree, name, pattern, harm, message, protocol):
    path = first(tree, pattern)
    harm(path)

    def read_all():
        dataset = DATASETS[name](root_of(tree, name), protocol)
        for index in range(len(dataset)):
            dataset.load(index)

    with pytest.raises(InputError, match=message) as caught:
        read_all()
    text = str(caught.value)
    assert "\n" not in text
    assert path.name in text


def test_absent_diw_images_are_left_out_and_counted(tree, capsys):
    first(tree, "DIW/DIW_test/img1.thumb").unlink()
    dataset = DATASETS["DIW"](tree / "DIW", STANDARD)
    assert len(dataset) == 7
    assert "left out 3 of 10 rows whose image is missing" in capsys.readouterr().out
    for image in tree.glob("DIW/DIW_test/*"):
        image.unlink()
    with pytest.raises(InputError, match="no DIW images there"):
        DATASETS["DIW"](tree / "DIW", STANDARD)


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


def test_the_original_has_every_fault_and_the_standard_none():
    assert set(vars(STANDARD).values()) == {True} and set(vars(MODELZOO).values()) == {False}


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
