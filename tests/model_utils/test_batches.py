"""Short batches, and work that overlaps: order, errors, and that it does overlap."""

import threading

import numpy as np
import pytest

from depthnet.src.model_utils import batches
from depthnet.src.model_utils.batches import (
    Prepared,
    after,
    ahead,
    batched,
    filled,
    in_batches,
    show_progress,
)

SECONDS = 20  # until a test that waits for nothing fails


class Doubler:
    """A predictor that notes the sizes of its batches."""

    def __init__(self, batch_size):
        self.batch_size, self.sizes = batch_size, []

    def batch(self, images):
        self.sizes.append(len(images))
        return [2 * image for image in images]


@pytest.mark.parametrize(("length", "added"), [(1, 2), (2, 1), (3, 0), (4, 0)])
def test_a_short_batch_is_filled_with_its_last_element(length, added):
    batch = np.arange(4)[:length]
    assert filled(batch, 3).tolist() == [*range(length), *[length - 1] * added]
    assert filled(batch, length) is batch  # a full one is not copied


def test_lists_keep_the_order_and_the_last_one_is_short():
    assert list(batched(range(5), 2)) == [[0, 1], [2, 3], [4]]
    assert list(batched([], 2)) == []


def test_batches_keep_order_and_labels():
    predictor = Doubler(2)
    found = list(in_batches(zip("abcde", range(5)), predictor))
    assert found == [("a", 0), ("b", 2), ("c", 4), ("d", 6), ("e", 8)]
    assert predictor.sizes == [2, 2, 1]
    assert list(in_batches([], Doubler(1))) == []


def test_the_next_images_are_prepared_while_some_are_predicted():
    ready = [threading.Event() for _ in range(6)]

    class Tripler(Prepared):
        batch_size = 2

        def prepare(self, image):
            ready[image].set()
            return 3 * image, threading.current_thread()

        def predict(self, prepared):
            numbers, threads = zip(*prepared)
            assert threading.main_thread() not in threads
            after_these = numbers[-1] // 3 + 1
            assert all(event.wait(SECONDS) for event in ready[after_these : after_these + 2])
            return list(numbers)

    found = list(in_batches(zip("abcdef", range(6)), Tripler()))
    assert found == list(zip("abcdef", range(0, 18, 3)))


def test_a_prepared_predictor_takes_images_too():
    class Tripler(Prepared):
        def prepare(self, image):
            return 3 * image

        def predict(self, prepared):
            return [value + 1 for value in prepared]

    assert Tripler().batch([1, 2]) == [4, 7]


def broken_at(count):
    """0, 1, ... and an error in place of `count`."""
    yield from range(count)
    raise ValueError(f"no {count}")


def test_later_items_are_made_while_an_earlier_one_is_used():
    made = [threading.Event() for _ in range(6)]

    def items():
        for number, event in enumerate(made):
            event.set()
            yield number

    for number in ahead(items(), 2):
        for later in made[number + 1 : number + 3]:
            assert later.wait(SECONDS)
        # No more of them than were asked for: decoded images take memory.
        assert not any(event.is_set() for event in made[number + 3 :])


def test_an_item_that_cannot_be_made_is_an_error_in_its_turn():
    found = []
    with pytest.raises(ValueError, match="no 2"):
        for item in ahead(broken_at(2), 5):
            found.append(item)
    assert found == [0, 1]


def test_an_item_is_used_while_later_ones_are_made():
    second = threading.Event()

    def items():
        yield "first"
        second.set()
        yield "second"

    def use(item):
        return item, second.wait(SECONDS)

    assert list(after(items(), use, 2)) == [("first", True), ("second", True)]


def test_several_threads_use_items_at_once_in_order():
    both = threading.Barrier(2)

    def use(item):
        both.wait(SECONDS)  # passes when another thread is here, too
        return 10 * item

    assert list(after(range(4), use, 2, threads=2)) == [0, 10, 20, 30]


def test_results_keep_their_order_and_come_when_enough_wait():
    made = []

    def items():
        for number in range(6):
            made.append(number)
            yield number

    results = after(items(), lambda item: 10 * item, 2)
    assert next(results) == 0 and made == [0, 1, 2]
    assert list(results) == [10, 20, 30, 40, 50]


def test_what_came_before_an_error_is_used_first():
    used, found = [], []
    with pytest.raises(ValueError, match="no 3"):
        for item in after(broken_at(3), used.append, 10):
            found.append(item)
    assert used == [0, 1, 2] and found == [None] * 3


def test_an_error_in_the_use_of_an_item_ends_it():
    def use(item):
        if item == 1:
            raise ValueError("disk full")
        return item

    results = after(range(5), use, 1)
    assert next(results) == 0
    with pytest.raises(ValueError, match="disk full"):
        list(results)


def test_no_thread_is_left_when_the_caller_stops_early():
    before = threading.active_count()
    for results in (ahead(range(100), 3), after(range(100), str, 3)):
        next(results)
        results.close()
    assert threading.active_count() == before


def test_progress_is_shown_now_and_then_and_at_the_end(printed, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(batches.time, "perf_counter", lambda: now[0])
    progress = show_progress("evaluated", 5)
    for done in range(1, 9):
        now[0] += 2
        progress(done, 8)
    assert printed().splitlines() == [
        "evaluated: 3 / 8, 0.50 images/s, 10 s left",
        "evaluated: 6 / 8, 0.50 images/s, 4 s left",
        "evaluated: 8 / 8, 0.50 images/s, 0 s left",
    ]
    progress = show_progress("x")
    for seconds in (5, 1):  # at 5 s not yet
        now[0] += seconds
        progress(1, 8)
    assert printed().splitlines() == ["x: 1 / 8, 0.17 images/s, 42 s left"]
