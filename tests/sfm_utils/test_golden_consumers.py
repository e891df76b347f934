"""Every array of both originals' goldens has exactly one consumer, here or in a later model.

arrays.json lists what the goldens hold, also the files that the later models will bring here.
"""

import ast
import json
import re
from pathlib import Path

import numpy as np
import pytest

from tests.golden_files import golden_dir

HERE = Path(__file__).parent
ARRAYS = json.loads((HERE.parent / "golden" / "arrays.json").read_text())
LATER = ("tests/monodepth2",)
(MONODEPTH2,) = LATER
# Consumer: file of the goldens: which of its arrays (a whole file where there are none).
CONSUMERS = {
    "test_parity_monodepth2.py": {"monodepth2/layers.npz": "(?!err_).*"},
    "test_parity_geonet.py": {"geonet/geometry.npz": "(?!pp_|l2norm).*"},
    "test_parity_kitti.py": {
        "monodepth2/kitti_depth_map.npz": ".*",
        "monodepth2/kitti_mini/.*(calib|velodyne).*": "",
        "geonet/kitti_eval.npz": "depth_velo.|depth_gt",
    },
    "test_parity_depth_evaluation.py": {
        "monodepth2/layers.npz": "err_.*",
        "monodepth2/eval.npz": "(?!net_).*",
        "monodepth2/eval.json": ".*",
        "monodepth2/trainer_depth_gt.npz": ".*",
        "monodepth2/losses.json": "_compute_depth_losses_.*",
        "geonet/kitti_eval.npz": "depth_pred|depth_metrics.*|stereo_.*|err_.*",
        "geonet/kitti_eval.json": "depth_.*",
    },
    "test_parity_poses.py": {
        "monodepth2/pose_eval.npz": ".*",
        "monodepth2/pose_eval_gt_09.txt": "",
        "geonet/kitti_eval.npz": "rot_.*|posevec_.*|pred_poses_.*",
        "geonet/kitti_eval.json": "odom|ate",
        "geonet/ckpt_pose_expect.npz": "poses_with_target_inserted",
    },
    "test_parity_flow.py": {"geonet/kitti_eval.npz": "flow_.*", "geonet/kitti_eval.json": "flow"},
    "../monodepth2/test_evaluation.py": {"monodepth2/eval.npz": "net_.*"},
    "../monodepth2/test_parity_data.py": {
        "monodepth2/(dataset|color_jitter).npz": ".*",
        "monodepth2/splits_facts.json": "(?!geonet_).*",
        "monodepth2/kitti_mini/.*png": "",
    },
    "../monodepth2/test_parity_weights.py": {"monodepth2/weights/.*": ".*"},
    MONODEPTH2: {
        "monodepth2/(inputs|depth|pose|inter_mono.*).npz": ".*",
        "monodepth2/losses.json": "mono.*|stereo|_adam3",
        "monodepth2/float64_spread.json": ".*",
    },
    "../geonet/test_parity_lists.py": {"monodepth2/splits_facts.json": "geonet_.*"},
    "../geonet/test_parity_data.py": {"geonet/loader.npz": ".*"},
    "../geonet/test_parity_networks.py": {
        "geonet/geometry.npz": "pp_.*|l2norm.*",
        "geonet/nets.npz": ".*",
        "geonet/sensitivity.json": "nets.*",
    },
    "../geonet/test_parity_losses.py": {"geonet/losses_seq..npz": "(?!seq$|K$).*"},
    "../geonet/test_parity_training.py": {
        "geonet/train_(rigid|flow).*.npz": ".*",
        "geonet/gradnorms_.*.json": "",
        "geonet/sensitivity.json": "train_.*",
    },
    "../geonet/golden_networks.py": {"geonet/(train_inputs|losses_seq.).npz": "seq|K"},
    "../geonet/test_weights_tf_checkpoint.py": {
        "geonet/ckpt_pose/.*": "",
        "geonet/ckpt_pose_tensors.json": ".*",
    },
    "../geonet/test_weights_loading.py": {
        "geonet/ckpt_pose_expect.npz": "pred_poses",
        "geonet/vars_.*.json": "restored_from_init_ckpt",
    },
    "../geonet/test_weights_reading.py": {"geonet/ckpt_pose_expect.npz": "global_step"},
    "../geonet/test_weights_names.py": {
        "geonet/vars_.*.json": "train.*|adam_.*|tf_version|all_.*",
    },
    "../geonet/tf_files.py": {"geonet/vars_.*.json": "model_variables|saved_step_variable"},
    "../geonet/test_networks.py": {"geonet/vars_.*.json": "number_of_bn_.*|bn_.*"},
}


def consumers_of(file, array):
    """Who says that it reads an array (or, "", a file without arrays)."""
    return [
        consumer
        for consumer, files in CONSUMERS.items()
        for pattern, arrays in files.items()
        if re.fullmatch(pattern, file) and re.fullmatch(arrays, array)
    ]


PARTS = [(file, array) for file, arrays in ARRAYS.items() for array in arrays or [""]]
READ_HERE = [
    (consumers_of(file, array)[0], file, array)
    for file, array in PARTS
    if array and consumers_of(file, array)[0] not in LATER
]


def test_each_array_has_one_consumer():
    wrong = {part: found for part in PARTS if len(found := consumers_of(*part)) != 1}
    assert not wrong


def test_each_pattern_finds_something():
    for files in CONSUMERS.values():
        for pattern, arrays in files.items():
            assert any(re.fullmatch(pattern, f) and re.fullmatch(arrays, a) for f, a in PARTS)


def strings_of(source):
    """Regular expressions of a program's strings; what an f-string fills in may be anything."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield re.escape(node.value)
        if isinstance(node, ast.JoinedStr):
            parts = [
                re.escape(part.value) if isinstance(part, ast.Constant) else ".+"
                for part in node.values
            ]
            if any(part != ".+" for part in parts):
                yield "".join(parts)


def unread(source, names):
    """The names that no string of a program can be."""
    strings = list(strings_of(source))
    return [name for name in names if not any(re.fullmatch(text, name) for text in strings)]


@pytest.mark.parametrize("consumer", sorted({consumer for consumer, _, _ in READ_HERE}))
def test_a_consumer_names_its_arrays(consumer):
    arrays = [array for by, _, array in READ_HERE if by == consumer]
    assert not unread((HERE / consumer).read_text(), arrays)


def test_an_array_that_is_not_read_is_noticed():
    source = 'read("alone")\nread(f"{run}_total")\nread(f"{run}")'
    assert unread(source, ["alone", "mono_total", "mono", "aloner"]) == ["mono", "aloner"]


@pytest.mark.parametrize("file", sorted(ARRAYS))
def test_the_list_is_complete(file):
    model, name = file.split("/", 1)
    path = golden_dir(model) / name
    if not path.is_file():
        assert set(consumers_of(file, (ARRAYS[file] or [""])[0])) <= set(LATER)
    elif path.suffix == ".npz":
        with np.load(path) as golden:
            assert sorted(golden.files) == sorted(ARRAYS[file])
    elif ARRAYS[file]:
        assert list(json.loads(path.read_text())) == ARRAYS[file]


def test_no_golden_file_is_left_out():
    for model in ("monodepth2", "geonet"):
        for path in golden_dir(model).rglob("*"):
            name = path.relative_to(golden_dir(model).parent).as_posix()
            assert path.is_dir() or path.suffix == ".md" or name in ARRAYS
