"""Threads take each image once; memory is kept by each thread and never handed out twice."""

import threading

import numpy as np
import pytest

from monodepth2.src.sfm_utils import planes_cpu


@pytest.mark.parametrize("sets", [1, 3])
@pytest.mark.parametrize("batch", [1, 2, 5])
@pytest.mark.parametrize("block", [1, 12, 10**6])
def test_each_image_is_taken_once_and_every_core_has_some(batch, sets, block, monkeypatch):
    monkeypatch.setattr(planes_cpu, "_BLOCK", block)
    monkeypatch.setattr(planes_cpu, "_CORES", {0, 1})
    numbers = np.tile(np.arange(batch), sets)
    times, parts = np.zeros(sets * batch, int), []

    def take(part, within):
        times[part] += 1
        np.testing.assert_array_equal(numbers[part], np.arange(batch)[within])
        parts.append(part)

    planes_cpu.for_images(take, (sets * batch, 3, 2, 3), batch)
    assert (times == 1).all()
    assert len(parts) >= min(2, sets * batch)
    longest = max(part.stop - part.start for part in parts)
    assert longest == min(batch, max(1, block // 6), -(-sets * batch // 2))


def test_what_a_function_raises_arrives():
    with pytest.raises(ZeroDivisionError):
        planes_cpu.for_images(lambda part, within: 1 / 0, (2, 3, 4, 5), 2)


def test_blocks():
    block = planes_cpu._BLOCK
    assert planes_cpu.blocks(3, block) == [slice(0, 1), slice(1, 2), slice(2, 3)]
    assert planes_cpu.blocks(3, 10 * block) == planes_cpu.blocks(3, block)
    assert planes_cpu.blocks(5, block // 2) == [slice(0, 2), slice(2, 4), slice(4, 5)]
    assert planes_cpu.blocks(5, 1, most=3) == [slice(0, 3), slice(3, 5)]


def test_scratch_is_kept_and_never_handed_out_twice():
    first, again = planes_cpu.Scratch(), planes_cpu.Scratch()
    arrays = [first.new((4, 6)), first.new((4, 6)), first.new((4, 6), np.intp), first.new((6, 4))]
    for number, array in enumerate(arrays):
        array[...] = number
    for number, (array, dtype) in enumerate(zip(arrays, 2 * [np.float32] + [np.intp, np.float32])):
        assert (array == number).all() and array.dtype == dtype
        assert array.flags.c_contiguous
    assert again.new((4, 6)) is arrays[0] and again.new((6, 4)) is arrays[3]
    beside = planes_cpu.Scratch(first)
    assert beside.new((6, 4)) is not arrays[3]
    assert all(beside.new((4, 6)) is not array for array in arrays[:2])
    others = []
    thread = threading.Thread(target=lambda: others.append(planes_cpu.Scratch().new((4, 6))))
    thread.start()
    thread.join()
    assert not np.shares_memory(others[0], arrays[0])


def test_signs_in_their_place():
    numbers = np.float32([-2, -0.0, 0, 1e-30, np.inf, np.nan])
    assert planes_cpu.sign_in_place(numbers) is numbers
    np.testing.assert_array_equal(numbers, [-1, 0, 0, 1, 1, 0])
