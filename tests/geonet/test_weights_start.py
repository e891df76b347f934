"""What each training starts from, and what it refuses."""

import pytest

from geonet.src.model_utils.checkpoint import prefix_names
from geonet.src.model_utils.errors import InputError
from geonet.src.weights import check_start, start_networks
from tests.geonet.small_networks import save_small, small_networks

RIGID = ("depth_net", "pose_net")
ALL = (*RIGID, "flow_net")


def values(networks):
    """{name: the number that fills it}."""
    return {
        name: float(net.trainable_params()[0].asnumpy().max()) for name, net in networks.items()
    }


def start(path, names, mode, flownet_type="residual", **options):
    networks = small_networks(names, 0.0, flownet_type=flownet_type)
    return start_networks(networks, str(path), mode, flownet_type, **options), values(networks)


@pytest.fixture
def rigid(tmp_path):
    return save_small(tmp_path / "model-700.ckpt", RIGID)


@pytest.fixture
def residual(tmp_path):
    return save_small(tmp_path / "flow-9.ckpt", ALL, record={"mode": "train_flow"})


@pytest.fixture
def direct(tmp_path):
    record = {"mode": "train_flow", "dispnet_encoder": "resnet50"}
    return save_small(tmp_path / "d-9.ckpt", ["flow_net"], record=record, flownet_type="direct")


def test_a_rigid_training_goes_on_from_its_own_weights(rigid, capsys):
    filled, found = start(rigid.with_suffix(""), RIGID, "train_rigid", seq_length=3)
    assert filled == list(RIGID) and found == {"depth_net": 1, "pose_net": 1}
    assert capsys.readouterr().out == f"loading depth_net and pose_net from {rigid}\n"


def test_names_that_train_has_put_in_front_do_not_matter(rigid):
    networks = small_networks(RIGID)
    prefix_names(networks)
    start_networks(networks, str(rigid), "train_rigid", "residual")
    assert values(networks) == {"depth_net": 1, "pose_net": 1}


def test_residual_flow_takes_depth_and_poses_of_a_rigid_training(rigid):
    filled, found = start(rigid, ALL, "train_flow")
    assert filled == list(RIGID) and found == {"depth_net": 1, "pose_net": 1, "flow_net": 0}


def test_residual_flow_goes_on_with_all_three(residual):
    filled, found = start(residual, ALL, "train_flow", dispnet_encoder="vgg", seq_length=3)
    assert filled == list(ALL) and set(found.values()) == {1}


def test_direct_flow_goes_on(direct):
    options = {"dispnet_encoder": "vgg", "seq_length": 5, "scale_normalize": True}
    filled, found = start(direct, ["flow_net"], "train_flow", "direct", **options)
    assert filled == ["flow_net"] and found == {"flow_net": 1}


@pytest.mark.parametrize(
    ("mode", "flownet_type"), [("train_rigid", "residual"), ("train_flow", "direct")]
)
def test_without_weights_values_stay_as_they_are(mode, flownet_type):
    names = RIGID if mode == "train_rigid" else ["flow_net"]
    filled, found = start("", names, mode, flownet_type)
    assert filled == [] and set(found.values()) == {0}


def refuse(path, mode, flownet_type="residual", **options):
    with pytest.raises(InputError) as error:
        check_start(str(path), mode, flownet_type, **options)
    return str(error.value)


def test_residual_flow_needs_a_rigid_training():
    assert refuse("", "train_flow") == (
        "train_flow with flownet_type residual needs the weights of train_rigid; "
        "train with --mode train_rigid, then give --init_ckpt_file"
    )


def test_a_rigid_training_does_not_start_from_flow(residual, direct):
    for path in (residual, direct):
        assert refuse(path, "train_rigid") == (
            f"{path} is of train_flow, from which train_rigid does not start; "
            "give weights of --mode train_rigid, or none"
        )


def test_networks_that_are_missing(tmp_path, rigid, direct):
    advice = "give weights of --mode train_rigid"
    pose = save_small(tmp_path / "pose.ckpt", ["pose_net"])
    line = refuse(pose, "train_rigid")
    assert line == f"{pose} holds pose_net, but train_rigid needs depth_net; {advice}"
    run = "train_flow with flownet_type residual needs depth_net"
    assert refuse(pose, "train_flow") == f"{pose} holds pose_net, but {run}; {advice}"
    line = refuse(direct, "train_flow")
    assert line == f"{direct} holds flow_net, but {run} and pose_net; {advice}"
    assert refuse(rigid, "train_flow", "direct") == (
        f"{rigid} holds depth_net and pose_net, but train_flow with flownet_type direct needs "
        "flow_net; give weights of --mode train_flow"
    )


def test_direct_flow_does_not_start_from_residual(residual):
    line = f"{residual} is of flownet_type residual, not direct; add --flownet_type residual"
    assert refuse(residual, "train_flow", "direct") == line


@pytest.mark.parametrize(
    ("key", "value", "known"),
    [
        ("dispnet_encoder", "resnet50", "vgg"),
        ("seq_length", 5, 3),
        ("scale_normalize", True, False),
    ],
)
def test_options_that_differ_from_those_of_the_weights(rigid, key, value, known):
    line = f"{rigid} is of {key} {known}, not {value}; add --{key} {known}"
    assert refuse(rigid, "train_flow", **{key: value}) == line
    check_start(str(rigid), "train_flow", "residual", **{key: known})


def test_a_rigid_training_may_begin_to_normalize_disparities(rigid):
    weights = check_start(str(rigid), "train_rigid", "residual", scale_normalize=True)
    assert weights.record["scale_normalize"] is False


def test_a_depth_network_of_unknown_normalization(tmp_path):
    path = save_small(tmp_path / "a.ckpt", RIGID, record={"scale_normalize": None})
    check_start(str(path), "train_flow", "residual", scale_normalize=True)


def test_nothing_is_changed_where_one_network_does_not_fit(rigid):
    networks = small_networks(RIGID, 0.0, seq_length=5)
    with pytest.raises(
        InputError, match=r"pose_net in .*model-700.ckpt is of another form: weight0"
    ):
        start_networks(networks, str(rigid), "train_rigid", "residual")
    assert values(networks) == {"depth_net": 0, "pose_net": 0}


def test_a_missing_file(tmp_path):
    assert refuse(tmp_path / "no", "train_rigid").startswith(f"init_ckpt_file {tmp_path}/no does")
