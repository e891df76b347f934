"""Make the strips on which GeoNet's flow is tested from the scenes of KITTI 2015.

    python prepare/generate_multiview_extension.py --dataset_dir data_scene_flow_multiview \\
        --calib_dir data_scene_flow_calib --dump_root STRIPS --cam_id 02 --seq_length 3

Writes <dump_root>/sub_folder_<cam_id>/<scene>.jpg (frames side by side, frame 10 in the middle),
<scene>_cam.txt (K, nine numbers) and the list test_flow.txt, of the scenes that are there.
"""

import sys
from pathlib import Path

# `python prepare/generate_multiview_extension.py` looks for modules here; src/ is one folder up.
sys.path[0] = str(Path(__file__).resolve().parents[1])

from src.preparation.multiview import main  # noqa: E402

if __name__ == "__main__":
    main(__doc__)
