"""convert.py: a TensorFlow checkpoint becomes a .ckpt, and each variable is accounted for."""

import numpy as np
import pytest

from geonet.src.model_utils.errors import InputError
from geonet.src.weights import convert, find_weights, load, open_weights
from geonet.src.weights.crc32c import crc32c
from geonet.src.weights.tf_checkpoint import read_checkpoint
from tests.geonet.golden_networks import GOLDEN
from tests.geonet.tf_files import write_checkpoint
from tests.warm import WarmProgram

OWN = GOLDEN / "ckpt_pose"
RECORD = {
    "networks": ["pose_net"],
    "mode": "train_rigid",
    "dispnet_encoder": None,
    "scale_normalize": None,
    "flownet_type": None,
    "img_height": None,
    "img_width": None,
    "seq_length": 3,
    "step": 12345,
}


@pytest.fixture(scope="module")
def geonet(program):
    warm = WarmProgram(program("geonet").folder)
    yield warm
    warm.close()


def test_the_command(geonet, tmp_path):
    source, target = OWN / "model-12345", tmp_path / "new" / "model-12345.ckpt"
    out, _ = geonet.run("convert.py", "--source_path", source, "--target_path", target)
    assert f"{source}.index: 30 mapped, 0 missing, 0 left out" in out
    assert "  step: global_step_1 is 12345" in out
    assert f"wrote {target}: pose_net; seq_length 3, step 12345" in out
    weights = open_weights(find_weights(target.with_suffix("")))
    assert weights.path == target and not weights.is_tensorflow
    assert weights.record == {**RECORD, "source": "model-12345"}
    found, expected = (load(w, ["pose_net"]) for w in (weights, open_weights(find_weights(OWN))))
    pairs = zip(found["pose_net"].get_parameters(), expected["pose_net"].get_parameters())
    for ours, theirs in pairs:
        np.testing.assert_array_equal(ours.asnumpy(), theirs.asnumpy(), err_msg=ours.name)


def test_what_is_left_out_is_named(tmp_path, capsys):
    arrays, _ = read_checkpoint(OWN / "model-12345.index", lambda name: True)
    adam = {"beta1_power": np.float32(0.9), "pose_net/Conv/weights/Adam": np.zeros(9, np.float32)}
    write_checkpoint(tmp_path / "m", {**arrays, **adam}, shards=2, crc32c=crc32c)
    convert(str(tmp_path / "m"), str(tmp_path / "m.ckpt"))
    out = capsys.readouterr().out
    assert f"{tmp_path}/m.index: 30 mapped, 0 missing, 2 left out" in out
    assert "  left out: beta1_power\n  left out: pose_net/Conv/weights/Adam\n" in out


def test_wrong_paths(tmp_path, geonet):
    target = tmp_path / "a.ckpt"
    for source, given, line in (
        ("", target, "source_path is missing; give it as --source_path PATH"),
        (OWN, "", "target_path is missing; give it as --target_path FILE"),
        (OWN, tmp_path / "a", f"target_path {tmp_path}/a must end in .ckpt"),
        (tmp_path / "no", target, f"source_path {tmp_path}/no does not exist, nor no.ckpt, nor"),
    ):
        with pytest.raises(InputError) as error:
            convert(str(source), str(given))
        assert str(error.value).startswith(line)
    convert(str(OWN), str(target))
    with pytest.raises(InputError, match="a.ckpt is a MindSpore checkpoint already; give a Tensor"):
        convert(str(target), str(tmp_path / "b.ckpt"))
    assert not (tmp_path / "b.ckpt").exists()
    assert "target_path is missing" in geonet.refuse("convert.py", "--source_path", OWN)


def test_nothing_is_written_of_a_damaged_checkpoint(tmp_path):
    for name in ("model-12345.index", "model-12345.data-00000-of-00001"):
        (tmp_path / name).write_bytes((OWN / name).read_bytes())
    data = tmp_path / name
    data.write_bytes(data.read_bytes()[:-1])
    with pytest.raises(InputError, match="lists more bytes than model-12345.data-00000-of-00001"):
        convert(str(tmp_path / "model-12345"), str(tmp_path / "out" / "a.ckpt"))
    assert not (tmp_path / "out").exists()
