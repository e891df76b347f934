"""metrics.csv survives kills and several stages; curves.png shows what is in it."""

import cv2
import numpy as np

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


def test_an_inactive_record_writes_nothing(tmp_path):
    record = Record(tmp_path / "metrics.csv", "x", 0, active=False)
    record.add(step=0, loss=1.0)
    assert not list(tmp_path.iterdir())


def test_the_curve_falls_from_left_to_right(tmp_path):
    fill(tmp_path / "metrics.csv", "coarse", 0, 50)
    draw_curves(tmp_path / "metrics.csv", tmp_path / "curves.png")
    image = cv2.cvtColor(cv2.imread(str(tmp_path / "curves.png")), cv2.COLOR_BGR2RGB).astype(int)
    ink = (image[..., 0] - image[..., 2]) > 60
    rows, columns = np.nonzero(ink[41:-41, 41:-41])
    assert rows[columns < 20].mean() < rows[columns > 300].mean()
