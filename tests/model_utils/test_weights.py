"""Foreign weights: the kinds of file, what fits a network, and the checkpoint that is written."""

import io
import tracemalloc
import zipfile

import mindspore as ms
import numpy as np
import pytest
from mindspore import nn

from depthnet.src.model_utils.checkpoint import load_networks
from depthnet.src.model_utils.errors import InputError
from depthnet.src.model_utils.files import read_record
from depthnet.src.model_utils.weights import check_paths, read_weights, save_converted
from tests.torch_files import save_torch

WEIGHT = np.arange(6, dtype=np.float32).reshape(2, 3)
BIAS = np.float32([7, 8])


def write(path, arrays, kind):
    """The same arrays in one of the kinds of file."""
    if kind == "ckpt":
        items = [{"name": key, "data": ms.Tensor(value)} for key, value in arrays.items()]
        ms.save_checkpoint(items, str(path))
    elif kind == "npz":
        with path.open("wb") as file:  # np.savez would add a suffix
            np.savez_compressed(file, **arrays)
    else:
        save_torch(path, arrays, is_legacy=kind == "legacy")
    return path


@pytest.mark.parametrize("kind", ["ckpt", "npz", "zip", "legacy"])
def test_the_kind_is_told_by_the_content(tmp_path, kind):
    name = "a.ckpt" if kind == "ckpt" else "weights.bin"
    arrays = {"b": BIAS, "module.w": WEIGHT, "half": np.float16([0.5]), "n": np.array(3)}
    found = read_weights(write(tmp_path / name, arrays, kind))
    assert sorted(found) == ["b", "half", "n", "w"]
    assert found["half"].dtype == np.float32 and found["half"].tolist() == [0.5]
    np.testing.assert_array_equal(found["w"], WEIGHT)
    assert found["w"].dtype == np.float32 and found["n"] == 3


def test_bfloat16_of_a_mindspore_checkpoint(tmp_path):
    value = ms.Tensor(np.float32([1, -0.15625])).astype(ms.bfloat16)
    ms.save_checkpoint([{"name": "a", "data": value}], str(tmp_path / "a.ckpt"))
    found = read_weights(tmp_path / "a.ckpt")["a"]
    assert found.dtype == np.float32 and found.tolist() == [1, -0.15625]


def test_what_is_no_number_is_left_out(tmp_path):
    arrays = {"text": np.array(["x"]), "complex": np.complex64([1]), "b": BIAS}
    assert list(read_weights(write(tmp_path / "a.npz", arrays, "npz"))) == ["b"]


def archive(path, **entries):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in entries.items():
            file.writestr(f"{name}.npy", data)


def npy(array, **options):
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def damaged(folder):
    """{file: what is said of it}."""
    write(folder / "cut.npz", {"w": np.ones(9000, np.float32)}, "npz")
    content = (folder / "cut.npz").read_bytes()
    (folder / "cut.npz").write_bytes(content[:-30])
    archive(folder / "objects.npz", w=npy(np.array([{}]), allow_pickle=True))
    archive(folder / "huge.npz", w=npy(BIAS).replace(b"(2,), }" + b" " * 10, b"(99999999999,), }"))
    archive(folder / "bomb.npz", w=npy(np.zeros(1 << 22, np.float32)))
    archive(folder / "empty.npz")
    write(folder / "twice.npz", {"w": WEIGHT, "module.w": WEIGHT}, "npz")
    write(folder / "lines.npz", {"w\nerror: x": WEIGHT}, "npz")
    (folder / "text.pth").write_text("hello")
    (folder / "nothing.pth").write_bytes(b"")
    (folder / "text.ckpt").write_text("hello")
    for name in ("cut", "objects", "huge", "twice", "lines"):
        yield f"{name}.npz", "truncated, damaged or no file of weights"
    yield "bomb.npz", "declares more data than it can hold"
    yield "empty.npz", "holds no tensors"
    yield "text.pth", "expected .ckpt, .npz, .pth or .pt"
    (folder / "checkpoint.bin").write_bytes(b"\n\x08text")
    yield "checkpoint.bin", "a MindSpore checkpoint must be called .ckpt"
    yield "nothing.pth", "expected .ckpt, .npz, .pth or .pt"
    yield "text.ckpt", "truncated or not a MindSpore checkpoint"
    yield "absent.pth", "does not exist"
    yield ".", "does not exist"


@pytest.mark.parametrize(("factor", "name"), [(8, "a.npy"), (1, "archive/data/0")])
def test_an_archive_may_declare_little_more_than_it_holds(tmp_path, factor, name):
    """It may declare a MiB beside its own size, of an .npz eight times its size."""
    path, text = tmp_path / "a.bin", b"no pickle"
    size = 24 << 10  # of a file that declares exactly so much; a comment fills it up
    declared = factor * size + (1 << 20)

    def refusal(added):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("archive/data.pkl" if factor == 1 else "b.npy", text)
            file.writestr(name, bytes(declared - len(text) + added))
        space = size - path.stat().st_size
        with zipfile.ZipFile(path, "a") as file:
            file.comment = b"x" * space
        assert path.stat().st_size == size
        with pytest.raises(InputError) as error:
            read_weights(path)
        return "declares more data than it can hold" in str(error.value)

    assert not refusal(0) and refusal(1)


def test_a_bomb_is_not_unpacked(tmp_path):
    archive(tmp_path / "a.npz", w=npy(np.zeros(1 << 24, np.float32)))
    tracemalloc.start()
    with pytest.raises(InputError, match="declares more"):
        read_weights(tmp_path / "a.npz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20


def test_damage_and_other_files_end_in_one_line(tmp_path):
    for name, message in damaged(tmp_path):
        with pytest.raises(InputError) as error:
            read_weights(tmp_path / name)
        text = str(error.value)
        assert message in text and str(tmp_path / name) in text and "\n" not in text, name


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("", "out.ckpt", "source_path is missing; give it as --source_path FILE"),
        ("a.npz", "", "target_path is missing; give it as --target_path FILE"),
        ("b.npz", "out.ckpt", "source_path b.npz does not exist"),
        ("a.npz", "out.npz", "target_path out.npz must end in .ckpt"),
    ],
)
def test_wrong_paths_are_answered_first(tmp_path, monkeypatch, source, target, message):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "a.npz", {"b": BIAS}, "npz")
    with pytest.raises(InputError, match=message):
        check_paths(source, target)
    check_paths("a.npz", "out.ckpt")


def save(source, names, target, **options):
    options = {"kind": "Twin", "advice": "take another", "source_path": "in/a.npz", **options}
    save_converted(source, names, nn.Dense(3, 2), target_path=str(target), **options)


def test_what_fits_is_said_and_written_with_a_record(tmp_path, capsys):
    source = {"w.0": WEIGHT[:1], "extra": BIAS, "w.1": np.float64(WEIGHT[1:]), "b": np.int64(BIAS)}
    names = {"w.0": "weight", "w.1": "weight", "extra": None, "b": "bias"}
    save(source, names, tmp_path / "out.ckpt", record={"options": {"size": 3}})
    assert capsys.readouterr().out.splitlines() == [
        "Twin: 3 mapped, 0 missing, 1 left over",
        "  left over: extra",
        f"wrote {tmp_path / 'out.ckpt'} with 2 parameters",
    ]
    network = nn.Dense(3, 2)
    load_networks({"net": network}, tmp_path / "out.ckpt")
    np.testing.assert_array_equal(network.weight.asnumpy(), WEIGHT)
    np.testing.assert_array_equal(network.bias.asnumpy(), BIAS)
    assert network.weight.dtype == network.bias.dtype == ms.float32
    expected = {"source": "a.npz", "kind": "Twin", "options": {"size": 3}}
    assert read_record(tmp_path / "out.ckpt") == expected


MISFITS = {
    "missing": ({"w": WEIGHT}, {"w": "weight"}, "bias is missing; take another"),
    "unexpected": (
        {"w": WEIGHT, "b": BIAS, "x": BIAS},
        {"w": "weight", "b": "bias", "x": "scale"},
        "scale is unexpected; take another",
    ),
    "another shape": (
        {"w": WEIGHT.T, "b": BIAS},
        {"w": "weight", "b": "bias"},
        r"weight is \(3, 2\), expected \(2, 3\); take another",
    ),
    "pieces in the wrong order": (
        {"b": BIAS, "w.1": BIAS, "w.0": WEIGHT[:1]},
        {"b": "bias", "w.1": "weight", "w.0": "weight"},
        "pieces of one parameter differ",
    ),
    "three": (
        {"b": BIAS, "1": BIAS, "2": BIAS},
        {"b": "bias", "1": "a", "2": "b"},
        "weight is missing; a is unexpected; b is unexpected; take another",
    ),
    "four": (
        {"b": BIAS, "1": BIAS, "2": BIAS, "3": BIAS},
        {"b": "bias", "1": "a", "2": "b", "3": "c"},
        "weight is missing; a is unexpected; b is unexpected and 1 more; take another",
    ),
    "everything": (
        {"1": BIAS, "2": BIAS, "3": BIAS},
        {"1": "a", "2": "b", "3": "c"},
        "weight is missing; bias is missing; a is unexpected and 2 more; take another",
    ),
}


@pytest.mark.parametrize("case", MISFITS, ids=MISFITS)
def test_what_does_not_fit_is_named_and_nothing_is_written(tmp_path, case):
    source, names, message = MISFITS[case]
    with pytest.raises(InputError, match=f"^in/a.npz does not fit: {message}"):
        save(source, names, tmp_path / "out.ckpt")
    assert not list(tmp_path.iterdir())


def test_missing_and_left_over_names_are_listed(tmp_path, capsys):
    with pytest.raises(InputError):
        save({"b": BIAS, "x": BIAS, "y": BIAS}, {"b": "bias", "x": None}, tmp_path / "out.ckpt")
    assert capsys.readouterr().out.splitlines() == [
        "Twin: 1 mapped, 1 missing, 2 left over",
        "  missing: weight",
        "  left over: x",
        "  left over: y",
    ]
