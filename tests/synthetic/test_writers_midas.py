"""MiDaS's data sets on disk: bit depth, units, rounding, lists; read by other means than ours."""

import json
import struct

import cv2
import h5py
import numpy as np
import pytest
import scipy.io

from tests.synthetic.__main__ import main
from tests.synthetic.sequence import sequence
from tests.synthetic.writers_midas import ordered_pair, relative_inverse
from tests.synthetic.writers_video import write_dpt

H, W = 48, 64
SIZE = ["--height", str(H), "--width", str(W), "--workers", "1"]


def write(out, name, *arguments):
    main([name, str(out), *SIZE, *arguments])
    return out


def files_below(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def read_raw(path):
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


def test_redweb(tmp_path):
    out = write(tmp_path, "redweb", "--images", "2")
    paths = json.loads((out / "mixdata.json").read_text())
    assert paths["img"]["RW"] == "/ReDWeb_V1/Imgs/*"
    pictures = sorted((out / "ReDWeb_V1/Imgs").iterdir())
    assert [path.suffix for path in pictures] == [".jpg", ".jpg"]
    for picture, kind, index in zip(pictures, ("room", "street"), range(2)):
        stored = read_raw(out / "ReDWeb_V1/RDs" / f"{picture.stem}.png")
        depth = next(sequence(kind, (0, 10, index), 1, H, W)).depth
        known = depth > 0
        assert stored.dtype == np.uint8 and stored.shape == (H, W)
        np.testing.assert_array_equal(stored > 0, known)
        # An affine map of inverse depth, but for the rounding.
        design = np.stack([1 / depth[known], np.ones(known.sum())], axis=1)
        scale, shift = np.linalg.lstsq(design, stored[known].astype(float), rcond=None)[0]
        assert scale > 0
        assert np.abs(design @ (scale, shift) - stored[known]).max() < 0.6


def test_relative_inverse_by_hand():
    stored = relative_inverse(np.array([[1.0, 2.0, 4.0, 0.0]], np.float32))
    # 1/z = 1, 0.5, 0.25 -> 1 + 254 * (1, 1/3, 0)
    assert stored.tolist() == [[255, 86, 1, 0]]
    assert relative_inverse(np.zeros((2, 2), np.float32)).tolist() == [[0, 0], [0, 0]]
    assert relative_inverse(np.full((1, 2), 3, np.float32)).tolist() == [[1, 1]]


def test_sintel(tmp_path):
    out = write(tmp_path, "sintel", "--scenes", "2", "--frames", "2")
    assert len(files_below(out)) == 13
    for scene, kind, index in (("room_0", "room", 0), ("street_1", "street", 1)):
        samples = list(sequence(kind, (0, 20, index), 2, H, W, baseline=0.1))
        for number, sample in enumerate(samples, start=1):
            stem = f"{scene}/frame_{number:04d}"
            picture = read_raw(out / "final_left" / f"{stem}.png")
            np.testing.assert_array_equal(picture[..., ::-1], sample.rgb)
            data = (out / "depth" / f"{stem}.dpt").read_bytes()
            assert struct.unpack("<fii", data[:12]) == (202021.25, W, H)
            depth = np.frombuffer(data[12:], "<f4").reshape(H, W)
            np.testing.assert_array_equal(depth[sample.depth > 0], sample.depth[sample.depth > 0])
            assert (depth[sample.depth == 0] == 1000).all()
            seen = read_raw(out / "occlusions" / f"{stem}.png")
            assert seen.dtype == np.uint8 and set(np.unique(seen)) <= {0, 255}
            assert (seen == 255).mean() > 0.5


def test_dpt_bytes(tmp_path):
    write_dpt(tmp_path / "new/x.dpt", np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.5]]))
    expected = struct.pack("<fii6f", 202021.25, 3, 2, 1, 2, 3, 4, 5, 6.5)
    assert (tmp_path / "new/x.dpt").read_bytes() == expected


def read_stamps(path):
    rows = [line.split() for line in path.read_text().splitlines() if not line.startswith("#")]
    return [(float(stamp), file) for stamp, file in rows]


def test_tum(tmp_path):
    out = write(tmp_path, "tum", "--sequences", "1", "--frames", "3")
    (folder,) = out.glob("*_person")
    colours, depths = (read_stamps(folder / f"{name}.txt") for name in ("rgb", "depth"))
    assert (len(colours), len(depths)) == (4, 3)
    pairs = [line.split() for line in (folder / "associate.txt").read_text().splitlines()]
    # The nearest stamps within 0.02 s, which the last picture has not.
    expected = []
    for stamp, colour in colours:
        gap, depth = min((abs(stamp - other), file) for other, file in depths)
        expected += [[colour, depth]] if gap < 0.02 else []
    assert pairs == expected and len(pairs) == 3
    samples = list(sequence("room", (0, 21, 0), 3, H, W))
    for (colour, depth), sample in zip(pairs, samples):
        np.testing.assert_array_equal(read_raw(folder / colour)[..., ::-1], sample.rgb)
        stored = read_raw(folder / depth)
        assert stored.dtype == np.uint16
        measured = stored > 0
        exact = np.rint(sample.depth.astype(np.float64) * 5000)
        np.testing.assert_array_equal(stored[measured], exact[measured])
        assert 0.7 < measured.mean() < 1


def test_kitti(tmp_path):
    out = write(tmp_path, "kitti", "--drives", "2", "--frames", "2")
    drives = sorted(path.name for path in out.iterdir() if path.is_dir())
    assert drives == ["2011_09_26_drive_0001_sync", "2011_09_26_drive_0002_sync"]
    for index, drive in enumerate(drives):
        images, depths = (sorted((out / drive / x).iterdir()) for x in ("image", "depth"))
        assert [path.name for path in images] == ["0000000005.png", "0000000006.png"]
        assert [path.name for path in depths] == [path.name for path in images]
        samples = sequence("street", (0, 23, index), 7, H, W)
        for image, depth, sample in zip(images, depths, list(samples)[5:]):
            np.testing.assert_array_equal(read_raw(image)[..., ::-1], sample.rgb)
            stored = read_raw(depth)
            assert stored.dtype == np.uint16 and stored.max() > 255
            exact = np.rint(sample.depth.astype(np.float64) * 256)
            np.testing.assert_array_equal(stored[stored > 0], exact[stored > 0])
            assert 0.05 < (stored > 0).mean() < 0.2


def test_kitti_raw_holds_what_the_evaluation_tree_is_made_of(tmp_path):
    raw = write(tmp_path / "raw", "kitti_raw", "--drives", "2", "--frames", "2")
    tree = write(tmp_path / "tree", "kitti", "--drives", "2", "--frames", "2")
    lines = (raw / "write_file.txt").read_text().splitlines()
    assert len(lines) == 4
    for line in lines:
        drive, frame = line.split(" ")
        date = drive.split("_drive")[0]
        image = raw / date / drive / "image_02/data" / f"{frame}.png"
        truth = raw / "data_depth_annotated/val" / drive / "proj_depth/groundtruth/image_02"
        for source, part in ((image, "image"), (truth / f"{frame}.png", "depth")):
            copied = tree / drive / part / f"{frame}.png"
            assert source.read_bytes() == copied.read_bytes()


def test_diw(tmp_path):
    out = write(tmp_path, "diw", "--images", "4")
    lines = (out / "DIW_Annotations/DIW_test.csv").read_text().splitlines()
    assert len(lines) == 8
    for index, (name, row) in enumerate(zip(lines[::2], lines[1::2])):
        assert name == f"./DIW_test/synthetic{index:05d}.thumb"
        data = (out / name).read_bytes()
        assert data[:2] == b"\xff\xd8"  # JPEG
        assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).shape == (H, W, 3)
        y_a, x_a, y_b, x_b, relation, width, height = row.split(",")
        assert (int(width), int(height)) == (W, H)
        depth = next(sequence(("room", "street")[index % 2], (0, 11, index), 1, H, W)).depth
        a, b = depth[int(y_a) - 1, int(x_a) - 1], depth[int(y_b) - 1, int(x_b) - 1]
        assert min(a, b) > 0
        assert relation == (">" if 1 / a > 1 / b else "<")
        assert max(a, b) / min(a, b) >= 1.15


def test_the_ordered_pair_counts_from_1():
    depth = np.zeros((3, 4), np.float32)
    depth[0, 0], depth[2, 3] = 1, 2
    pairs = {ordered_pair(depth, np.random.default_rng(seed)) for seed in range(20)}
    assert pairs == {"1,1,3,4,>", "3,4,1,1,<"}


def test_eth3d(tmp_path):
    out = write(tmp_path, "eth3d", "--scenes", "2", "--images", "1")
    for scene, kind, index in (("room_0", "room", 0), ("street_1", "street", 1)):
        (picture,) = (out / scene / "images/dslr_images").glob("*.JPG")
        truth = out / scene / "ground_truth_depth/dslr_images" / picture.name
        stored = np.fromfile(truth, "<f4").reshape(H, -1)
        sample = next(sequence(kind, (0, 13, index), 1, H, W))
        assert stored.shape == (H, W)
        known = np.isfinite(stored)
        np.testing.assert_array_equal(stored[known], sample.depth[known])
        assert (stored[~known] == np.inf).all()
        assert np.isinf(stored[sample.depth == 0]).all()
        assert 0.05 < (~known).mean() < 0.5


def test_nyu_mat(tmp_path):
    out = write(tmp_path, "nyu_mat", "--images", "5", "--test", "3")
    with h5py.File(out / "nyu.mat") as file:
        pictures, raw, depths = (file[name][()] for name in ("images", "rawDepths", "depths"))
    assert pictures.shape == (5, 3, W, H) and pictures.dtype == np.uint8
    assert raw.shape == (5, W, H) and raw.dtype == np.float32
    for index in range(5):
        sample = next(sequence("room", (0, 15, index), 1, H, W))
        np.testing.assert_array_equal(pictures[index].transpose(2, 1, 0), sample.rgb)
        np.testing.assert_array_equal(depths[index].T, sample.depth)
        known = raw[index].T > 0
        np.testing.assert_array_equal(raw[index].T[known], sample.depth[known])
        assert 0.7 < known.mean() < 1
    splits = scipy.io.loadmat(out / "splits.mat")
    test, train = splits["testNdxs"], splits["trainNdxs"]
    assert test.shape == (3, 1) and train.shape == (2, 1)
    assert sorted([*test[:, 0], *train[:, 0]]) == [1, 2, 3, 4, 5]


def test_all_of_midas_in_one_tree(tmp_path, capsys):
    out = write(tmp_path, "midas", "--train", "2", "--test", "3")
    names = files_below(out)
    assert sum(name.startswith("ReDWeb_V1/") for name in names) == 4
    for pattern, count in {
        "data/TUM/*_person/associate.txt": 2,
        "data/sintel/sintel-data/final_left/*/*.png": 4,
        "data/ETH3D/ETH3D-data/*/images/dslr_images/*.JPG": 4,
        "data/Kitti_raw_data/*/image/*.png": 4,
        "data/DIW/DIW_test/*.thumb": 3,
        "data/NYU/nyu.mat": 1,
        "data/NYU/splits.mat": 1,
    }.items():
        assert len(list(out.glob(pattern))) == count, pattern
    # What is printed is what is there, the mark aside.
    assert f"wrote {len(names) - 1} files of midas" in capsys.readouterr().out


def test_streets_alone_are_two_data_sets_of_as_many_streets(tmp_path):
    out = write(tmp_path, "midas", "--train", "2", "--test", "3", "--scenes", "streets")
    assert sorted(path.name for path in (out / "data").iterdir()) == ["ETH3D", "Kitti_raw_data"]
    assert len(list(out.glob("data/Kitti_raw_data/*/image/*.png"))) == 3
    scenes = sorted(path.name for path in (out / "data" / "ETH3D" / "ETH3D-data").iterdir())
    assert scenes == ["street_0", "street_1", "street_2"]
    first = cv2.imread(str(out / "ReDWeb_V1" / "Imgs" / "synthetic_00000.jpg"))
    street = next(sequence("street", (0, 10, 0), 1, *first.shape[:2])).rgb
    assert np.abs(np.float32(first[..., ::-1]) - street).mean() < 6  # JPEG


@pytest.mark.parametrize(
    ("name", "count"),
    [("redweb", 65), ("sintel", 24), ("tum", 24), ("kitti", 16), ("kitti_raw", 27), ("eth3d", 8)],
)
def test_the_printed_number_of_files_is_right(tmp_path, capsys, name, count):
    write(tmp_path, name)
    assert f"wrote {count} files" in capsys.readouterr().out
    assert len(files_below(tmp_path)) == count + 1


def test_more_test_pictures_than_pictures(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        write(tmp_path / "new", "nyu_mat", "--images", "2", "--test", "3")
    assert stop.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "new").exists()
