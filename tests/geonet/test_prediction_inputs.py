"""Which inputs, as which sequences, and where their results go."""

from pathlib import Path

import pytest

from geonet.src.model_utils.errors import InputError
from geonet.src.model_utils.media import find_inputs, result_names
from geonet.src.prediction.inputs import inputs_of, sequences_of
from tests.geonet.predicted import grey, save


def test_ext_chooses_the_files_of_a_folder(tmp_path):
    folder = save(tmp_path / "a [b]", one=grey(1), two=grey(2))
    (folder / "one.png").rename(folder / "one.jpg")
    assert len(find_inputs(inputs_of(str(folder)))) == 2
    for ext in ("png", ".png"):
        (found,) = find_inputs(inputs_of(str(folder), ext))
        assert found.name == "two.png"
    single = inputs_of(str(folder / "one.jpg"), "png")
    assert find_inputs(single) == [folder / "one.jpg"]
    with pytest.raises(InputError, match=r"holds no image \*\.bmp; give another --ext"):
        inputs_of(str(folder), "bmp")
    with pytest.raises(InputError, match="nowhere does not exist"):
        inputs_of("nowhere", "jpg")


def test_sequences_are_folders_in_the_order_of_their_numbers_then_videos(tmp_path, footage):
    for name in ("b", "a"):
        save(tmp_path / name, **{str(number): grey(number) for number in (9, 10, 8)})
    video = tmp_path / "a" / "clip.mp4"
    video.write_bytes((footage / "drive_0.mp4").read_bytes())
    found = sequences_of(find_inputs(str(tmp_path / "*" / "*")))
    assert [sequence.path for sequence in found] == [tmp_path / "a", tmp_path / "b", video]
    assert [file.name for file in found[1].files] == ["8.png", "9.png", "10.png"]
    assert found[0].size == (32, 64) and found[0].first.name == "8.png"
    found[0].files[0].write_bytes(b"broken")
    (again, *_) = sequences_of(found[0].files)
    assert again.first.name == "9.png" and again.size == (32, 64)
    assert found[2].files is None and found[2].size == (64, 96)


def test_results_of_one_folder_have_their_files_names():
    files = [Path("in/a.jpg"), Path("in/b.png"), Path("in/b.mp4")]
    assert list(result_names(files).values()) == [Path("a"), Path("b_png"), Path("b_mp4")]
    assert result_names([Path("a.jpg")]) == {Path("a.jpg"): Path("a")}


def test_results_of_several_folders_do_not_overwrite_each_other():
    files = [Path(f"/k/{drive}/data/{n}.png") for drive in ("0001", "0002") for n in "12"]
    names = [str(name) for name in result_names(files).values()]
    assert names == ["0001/data/1", "0001/data/2", "0002/data/1", "0002/data/2"]
    assert str(result_names([Path("/k/x.png"), *files])[files[0]]) == "0001/data/1"
