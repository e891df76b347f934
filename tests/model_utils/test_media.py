"""Images and videos in, depth files out, with a predictor that needs no network."""

import threading

import cv2
import numpy as np
import pytest

from depthnet.src.model_utils import images, media
from depthnet.src.model_utils.errors import InputError


class Red:
    """The red channel as depth in metres: value / 10."""

    def __init__(self, batch_size=2):
        self.batch_size, self.sizes = batch_size, []

    def batch(self, images):
        self.sizes.append(len(images))
        return [np.float32(image[..., 0]) / 10 for image in images]


def rgb(value, size=(32, 48)):
    return np.full((*size, 3), (value, 0, 0), np.uint8)


def video(path, values, rate=10):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), rate, (48, 32))
    for value in values:
        writer.write(rgb(value)[..., ::-1])
    writer.release()


def frames(path):
    """(frames as RGB, frames per second)."""
    capture, found = cv2.VideoCapture(str(path)), []
    rate = capture.get(cv2.CAP_PROP_FPS)
    while (read := capture.read())[0]:
        found.append(read[1][..., ::-1])
    capture.release()
    return found, rate


def test_inputs_are_a_file_a_folder_or_a_glob_in_order(tmp_path):
    for name in ("b.PNG", "a.jpg", "c.mp4", "d.txt", "sub/deep/e.webp"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).touch()

    def names(pattern):
        found = media.find_inputs(str(pattern))
        return [path.relative_to(tmp_path).as_posix() for path in found]

    assert names(tmp_path) == ["a.jpg", "b.PNG", "c.mp4"]
    assert names(tmp_path / "d.txt") == ["d.txt"]  # named by the user: the reader decides
    assert names(tmp_path / "[ab]*") == ["a.jpg", "b.PNG"]
    assert names(tmp_path / "**" / "*.webp") == ["sub/deep/e.webp"]
    for pattern, message in (
        ("none", "input_path .*none does not exist; give a file, a folder, a glob or a video"),
        ("*.txt", "does not exist"),
        ("empty", "input_path .*empty holds no image or video; give"),
    ):
        (tmp_path / "empty").mkdir(exist_ok=True)
        with pytest.raises(InputError, match=message):
            media.find_inputs(str(tmp_path / pattern))


def run(folder, predictor=None, formats=("npy",), kind="depth", **given):
    predictor = predictor or Red()
    options = {"kind": kind, "input_path": str(folder), "output_path": folder / "out"}
    media.predict_all(predictor, formats=formats, **options, **given)
    out = folder / "out"
    return sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())


def test_every_image_is_predicted_with_its_progress(tmp_path, printed, monkeypatch):
    for name, value in (("a.png", 10), ("b.png", 20), ("c.png", 30)):
        images.write_png(tmp_path / name, rgb(value))
    now = [0.0]

    def clock():
        now[0] += 1
        return now[0]

    monkeypatch.setattr(media.time, "perf_counter", clock)
    predictor = Red()
    assert run(tmp_path, predictor) == ["a.npy", "b.npy", "c.npy"]
    assert (np.load(tmp_path / "out" / "b.npy") == 2).all() and predictor.sizes == [2, 1]
    assert printed.waiting == "3 images in 4.00 s, 0.75 images/s, 0 left out\n"
    assert printed().splitlines() == [
        f"  processing {tmp_path}/a.png (1/3), 1.00 images/s",
        f"  processing {tmp_path}/b.png (2/3), 1.00 images/s",
        f"  processing {tmp_path}/c.png (3/3), 1.00 images/s",
    ]


def test_the_last_line_sums_up(tmp_path, capsys):
    images.write_png(tmp_path / "a.png", rgb(1))
    (tmp_path / "b.png").write_bytes(b"x")
    (tmp_path / "c.mp4").write_bytes(b"x")
    assert run(tmp_path, skip_bad=True) == ["a.npy"]
    out, err = capsys.readouterr()
    assert out.splitlines()[-1].startswith("1 images in ")
    assert out.splitlines()[-1].endswith(" images/s, 2 left out")
    seconds, rate = (
        float(word)
        for word in out.splitlines()[-1].split()
        if word[0] in "0123456789." and "." in word
    )
    assert rate > 0 and seconds >= 0
    assert err.startswith(f"left out: {tmp_path}/b.png: truncated")
    assert f"left out: {tmp_path}/c.mp4: no frame can be read; broken, or not a video" in err


def test_files_are_read_and_written_while_the_network_runs(tmp_path, monkeypatch):
    """The second image is there before the first is predicted, whose file is not yet written when
    the network turns to the second."""
    for name in "abc":
        images.write_png(tmp_path / f"{name}.png", rgb(10))
    second, turned = threading.Event(), threading.Event()

    def read(path):
        if path.name == "b.png":
            second.set()
        return images.read_rgb(path)

    class Waiting(Red):
        def batch(self, given):
            assert second.wait(20)
            if self.sizes:
                turned.set()
            return super().batch(given)

    def write(*given):
        assert turned.wait(20)
        images.write_outputs(*given)

    monkeypatch.setattr(media, "read_rgb", read)
    monkeypatch.setattr(media, "write_outputs", write)
    assert run(tmp_path, Waiting(1)) == ["a.npy", "b.npy", "c.npy"]


def test_one_image_is_neither_a_folder_nor_a_video(tmp_path):
    for name in ("a.PNG", "b.mp4", "one/c.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert media.is_one_image(str(tmp_path / "a.PNG")) and media.is_one_image(str(tmp_path / "one"))
    assert not media.is_one_image(str(tmp_path / "*.*"))
    assert not media.is_one_image(str(tmp_path / "b.mp4"))
    with pytest.raises(InputError, match="does not exist"):
        media.is_one_image(str(tmp_path / "none"))


def test_four_at_a_time_of_many_images_unless_asked_otherwise(tmp_path):
    for number in range(8):
        (tmp_path / f"{number}.jpg").touch()
    (tmp_path / "a.mp4").touch()
    many, few = str(tmp_path / "*.jpg"), str(tmp_path / "[1-7].jpg")
    asked = {0: (4, 1, 4), 2: (2, 2, 2)}
    for count, expected in asked.items():
        names = many, few, str(tmp_path / "a.mp4")
        assert tuple(media.images_at_a_time(name, count) for name in names) == expected


def test_bad_files_are_counted_in_the_place_of_the_next(tmp_path, capsys):
    (tmp_path / "a.png").write_bytes(b"x")
    images.write_png(tmp_path / "b.png", rgb(1))
    run(tmp_path, Red(1), skip_bad=True)
    assert f"processing {tmp_path}/b.png (2/2), " in capsys.readouterr().out


@pytest.mark.parametrize("name", ["a.png", "a.mp4"])
def test_a_bad_file_is_an_error_unless_it_may_be_left_out(tmp_path, name):
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(InputError, match=f"{name}: (truncated|no frame can be read)"):
        run(tmp_path)
    assert not (tmp_path / "out").exists()


def test_files_of_one_name_and_different_kinds_keep_apart(tmp_path):
    images.write_png(tmp_path / "a.png", rgb(10))
    cv2.imwrite(str(tmp_path / "a.bmp"), rgb(20))
    images.write_png(tmp_path / "b.png", rgb(10))
    assert run(tmp_path) == ["a_bmp.npy", "a_png.npy", "b.npy"]


def test_files_of_one_name_in_several_folders_keep_apart(tmp_path):
    for name in ("x/1.png", "x/2.png", "y/1.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        images.write_png(tmp_path / name, rgb(10))
    options = {"kind": "depth", "formats": ["npy"], "output_path": tmp_path / "out"}
    media.predict_all(Red(), input_path=str(tmp_path / "*" / "*.png"), **options)
    found = sorted(p.relative_to(tmp_path / "out") for p in (tmp_path / "out").rglob("*.npy"))
    assert [path.as_posix() for path in found] == ["x/1.npy", "x/2.npy", "y/1.npy"]
    # Without a clash they lie side by side, as before.
    media.predict_all(Red(), input_path=str(tmp_path / "x" / "*.png"), **options)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"1.npy", "2.npy", "x", "y"}


def test_a_video_gives_a_file_per_frame_and_a_video_of_colours(tmp_path, capsys):
    video(tmp_path / "v.mp4", (50, 100, 150), rate=10)
    predictor = Red(2)
    found = run(tmp_path, predictor, formats=["npy", "png", "color"])
    names = [f"v/{number:06}.{suffix}" for number in range(3) for suffix in ("npy", "png")]
    assert found == [*names, "v_color.mp4"] and predictor.sizes == [2, 1]
    for number, value in enumerate((5, 10, 15)):
        depth = np.load(tmp_path / "out" / "v" / f"{number:06}.npy")
        np.testing.assert_allclose(depth, value, atol=0.5)  # a video is compressed
    colours, rate = frames(tmp_path / "out" / "v_color.mp4")
    assert len(colours) == 3 and rate == 10 and colours[0].shape == (32, 48, 3)
    assert capsys.readouterr().out.splitlines()[-1].startswith("3 images in ")


def test_a_video_may_be_written_as_files_alone_or_as_colours_alone(tmp_path):
    video(tmp_path / "v.avi", (50, 100))
    assert run(tmp_path, formats=["npy"]) == ["v/000000.npy", "v/000001.npy"]
    (tmp_path / "w").mkdir()
    video(tmp_path / "w" / "v.mp4", (50, 100))
    assert run(tmp_path / "w", formats=["color"]) == ["v_color.mp4"]


class Ramp:
    """Maps whose range widens with each frame."""

    batch_size = 1

    def __init__(self):
        self.number = 0

    def batch(self, images):
        self.number += 1
        ramp = np.linspace(0, 100.0 * self.number, 32 * 48, dtype=np.float32)
        return [ramp.reshape(32, 48) for _ in images]


def test_the_colours_of_a_video_follow_its_range_slowly(tmp_path, monkeypatch):
    video(tmp_path / "v.mp4", (50, 50, 50))
    seen, colorize = [], media.colorize

    def note(values, low, high):
        seen.append((low, high))
        return colorize(values, low, high)

    monkeypatch.setattr(media, "colorize", note)
    run(tmp_path, Ramp(), formats=["color"], kind="disparity")
    # 2 and 98 % of 0..100, then a tenth of the way to those of 0..200, and of 0..300.
    expected = [(2, 98), (2.2, 107.8), (0.9 * 2.2 + 0.6, 0.9 * 107.8 + 29.4)]
    np.testing.assert_allclose(seen, expected, rtol=1e-4)


@pytest.mark.parametrize(
    ("told", "written"), [(0.0, 25), (-1.0, 25), (0.5, 0.5), (1000.0, 1000), (1000.5, 25)]
)
def test_a_video_without_a_sensible_rate_gets_25_frames_per_second(
    tmp_path, monkeypatch, told, written
):
    video(tmp_path / "v.mp4", (50, 100))
    real, made = cv2.VideoWriter, []

    class Capture:
        def __init__(self, path):
            self.left = 2

        def get(self, what):
            return told

        def read(self):
            self.left -= 1
            return self.left >= 0, rgb(5)

        def release(self):
            self.left = None

    def writer(path, code, rate, size):
        made.append((rate, size))
        return real(path, code, 25, size)  # whatever the encoder thinks of the rate

    monkeypatch.setattr(media.cv2, "VideoCapture", Capture)
    monkeypatch.setattr(media.cv2, "VideoWriter", writer)
    run(tmp_path, formats=["color"])
    assert made == [(written, (48, 32))]


class Pairs(media.Job):
    """A job whose predictor takes an image and the one before, in the reverse order of files."""

    def order(self, files):
        return files[::-1]

    def samples(self, frames):
        before = None
        for frame in frames:
            if before is not None and frame.image is not None:
                yield frame, (before, frame.image)
            before = frame.image

    def write(self, stem, frame, values, formats):
        place = stem.relative_to(self.output).as_posix()
        noted.append((place, frame.sequence.name, frame.number, values, list(formats)))

    def color(self, frame, values):
        return rgb(values)

    def finish(self):
        return ", finished"


noted = []


class Sum:
    """The sum of the red values of a pair."""

    batch_size = 2

    def batch(self, pairs):
        return [int(sum(image[0, 0, 0] for image in pair)) for pair in pairs]


def test_a_job_of_its_own_sees_each_frame_in_its_place(tmp_path, capsys):
    for name, value in (("a.png", 10), ("b.png", 20), ("c.png", 40)):
        images.write_png(tmp_path / name, rgb(value))
    (tmp_path / "bb.png").write_bytes(b"x")
    video(tmp_path / "v.mp4", (50, 100, 150))
    noted.clear()
    formats = ["npy", "color"]
    assert run(tmp_path, Sum(), formats, make_job=Pairs, skip_bad=True) == ["v_color.mp4"]
    still, moving = noted[:1], noted[1:]
    # From the last file to the first: c, bb (bad), b, a.
    assert still == [("a", tmp_path.name, 3, 30, formats)]
    assert [entry[:3] for entry in moving] == [("v/000001", "v.mp4", 1), ("v/000002", "v.mp4", 2)]
    assert [entry[4] for entry in moving] == [["npy"], ["npy"]]
    assert len(frames(tmp_path / "out" / "v_color.mp4")[0]) == 2
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("3 images in ") and last.endswith(", 1 left out, finished")
