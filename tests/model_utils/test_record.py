"""metrics.csv survives kills and several stages; curves.png shows what is in it."""

import cv2
import numpy as np
import pytest

from depthnet.src.model_utils import record as module
from depthnet.src.model_utils.errors import InputError
from depthnet.src.model_utils.record import Record, draw_curves, read_rows


def fill(path, stage, start, stop):
    record = Record(path, stage, start)
    for step in range(start, stop):
        record.add(step=step, loss=1 / (step + 1))


def test_a_resumed_stage_replaces_its_own_tail_only(tmp_path):
    path = tmp_path / "metrics.csv"
    fill(path, "coarse", 0, 6)
    fill(path, "fine", 0, 4)
    with path.open("a") as file:
        file.write("fine,4,0.")  # what a kill leaves
    fill(path, "fine", 2, 5)
    rows = read_rows(path)
    assert [row["step"] for row in rows if row["stage"] == "coarse"] == list("012345")
    assert [row["step"] for row in rows if row["stage"] == "fine"] == list("01234")
    assert path.read_text().startswith("stage,step,loss\n")


def test_the_file_is_a_plain_table(tmp_path):
    record = Record(tmp_path / "m.csv", "a", 0)
    assert (tmp_path / "m.csv").read_text() == ""
    record.add(step=0, loss=0.5)
    record.add(step=1, loss=0.25)
    assert (tmp_path / "m.csv").read_text() == "stage,step,loss\na,0,0.5\na,1,0.25\n"


def test_stages_with_other_columns_share_the_header_of_both(tmp_path):
    path = tmp_path / "m.csv"
    first = Record(path, "a", 0)
    first.add(step=0, loss=1)
    second = Record(path, "b", 0)
    second.add(step=0, loss=2, other=3)
    second.add(step=1, loss=4)
    assert path.read_text() == "stage,step,loss,other\na,0,1,\nb,0,2,3\nb,1,4,\n"
    Record(path, "a", 1).add(step=1, loss=5)
    assert path.read_text().splitlines()[-1] == "a,1,5,"


def test_an_inactive_record_reads_and_writes_nothing(tmp_path):
    (tmp_path / "metrics.csv").write_text("damaged")
    record = Record(tmp_path / "metrics.csv", "x", 0, active=False)
    record.add(step=0, loss=1.0)
    assert (tmp_path / "metrics.csv").read_text() == "damaged"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"\xff\xfe", "is damaged .*; repair or remove it"),
        (b'stage,step\n"a,1\n', "is damaged"),
        (b"stage,loss\na,1\n", "has no columns stage and step"),
        (b"step,loss\n1,1\n", "has no columns stage and step"),
        (b"stage,step\na,1\na,x\n", "line 3: step 'x'; repair or remove it"),
        (b"stage,step\na,-1\n", "line 2: step '-1'"),
        (b"stage,step\na,1" + b"0" * 18 + b"\n", "line 2: step '1000"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, text, message):
    (tmp_path / "m.csv").write_bytes(text)
    with pytest.raises(InputError, match=f"m.csv {message}"):
        read_rows(tmp_path / "m.csv")


def test_lines_that_do_not_fit_the_header_are_left_out(tmp_path):
    number = "9" * 18
    text = f"stage,step,loss\na,0,1\na,1\na,2,3,4\na,{number},5\na,4,6"
    (tmp_path / "m.csv").write_text(text)
    rows = read_rows(tmp_path / "m.csv")
    assert [(row["step"], row["loss"]) for row in rows] == [("0", "1"), (number, "5")]


def test_the_curve_falls_from_left_to_right(tmp_path):
    fill(tmp_path / "metrics.csv", "coarse", 0, 50)
    draw_curves(tmp_path / "metrics.csv", tmp_path / "curves.png")
    image = cv2.cvtColor(cv2.imread(str(tmp_path / "curves.png")), cv2.COLOR_BGR2RGB).astype(int)
    ink = (image[..., 0] - image[..., 2]) > 60
    rows, columns = np.nonzero(ink[41:-41, 41:-41])
    assert rows[columns < 20].mean() < rows[columns > 300].mean()


def panel(points, title, labels):
    """A panel drawn here: points in pixels, labels {(x, y): text}."""
    image = np.full((320, 480, 3), 255, np.uint8)
    cv2.rectangle(image, (40, 40), (440, 280), (200, 200, 200))
    cv2.polylines(image, [np.int32(points)], False, (200, 60, 20), 1, cv2.LINE_AA)
    for place, text in {(40, 25): title, **labels}.items():
        cv2.putText(image, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 1, cv2.LINE_AA)
    return image


def test_each_stage_has_a_panel_from_its_lowest_to_its_highest_value(tmp_path):
    for stage, steps in (("a", (10, 20, 30)), ("b", (0, 4))):
        record = Record(tmp_path / "m.csv", stage, 0)
        for step in steps:
            record.add(step=step, loss=0.5 * step)
            record.add(step=step + 1, loss="nan")
        record.add(step=99, other=1)
    draw_curves(tmp_path / "m.csv", tmp_path / "c.png")
    got = cv2.cvtColor(cv2.imread(str(tmp_path / "c.png")), cv2.COLOR_BGR2RGB)
    steps = {(40, 305): "step 10", (350, 305): "step 30"}
    labels = {(4, 40): "15", (4, 280): "5", **steps}
    first = panel([(40, 280), (240, 160), (440, 40)], "a: loss", labels)
    steps = {(40, 305): "step 0", (350, 305): "step 4"}
    labels = {(4, 40): "2", (4, 280): "0", **steps}
    second = panel([(40, 280), (440, 40)], "b: loss", labels)
    np.testing.assert_array_equal(got, np.hstack([first, second]))


def test_another_column_and_a_constant_one(tmp_path):
    record = Record(tmp_path / "m.csv", "a", 0)
    for step in (0, 2):
        record.add(step=step, rate=0.12345)
    draw_curves(tmp_path / "m.csv", tmp_path / "c.png", "rate")
    got = cv2.cvtColor(cv2.imread(str(tmp_path / "c.png")), cv2.COLOR_BGR2RGB)
    labels = {(4, 40): "0.123", (4, 280): "0.123", (40, 305): "step 0", (350, 305): "step 2"}
    np.testing.assert_array_equal(got, panel([(40, 280), (440, 280)], "a: rate", labels))


def test_nothing_is_drawn_before_there_is_a_row(tmp_path):
    draw_curves(tmp_path / "none.csv", tmp_path / "c.png")
    Record(tmp_path / "m.csv", "a", 0).add(step=0, loss="inf")
    draw_curves(tmp_path / "m.csv", tmp_path / "c.png")
    assert not (tmp_path / "c.png").exists()
    assert module._is_finite("1e3") is True and module._is_finite(None) is False
