"""Make the strips that GeoNet trains on from KITTI raw, KITTI odometry or Cityscapes.

    python prepare/prepare_train_data.py --dataset_dir KITTI --dataset_name kitti_raw_eigen \\
        --dump_root STRIPS --seq_length 3 --img_height 128 --img_width 416 --num_threads 16 \\
        --remove_static

kitti_raw_eigen, kitti_raw_stereo   both colour cameras of all drives but those of the test set, or
                                    of the list --test_scenes
kitti_odom                          sequences 00 to 08
cityscapes                          the split train; --img_height 171 leaves 128 rows

Writes <dump_root>/<drive>_<camera>/<frame>.jpg (frames side by side, the target in the middle),
<frame>_cam.txt (K, nine numbers) and the lists train.txt and val.txt. After a stop the same
command makes what is missing.

--remove_static leaves out frames in which the car stands: those of the list --static_frames, such
as the original's; without a list those at which the car itself measured less than --min_speed
(oxts), and in drives without oxts those whose image has not changed. What was found is written to
<dump_root>/static_frames.txt. No strip reaches across frames that were left out.
"""

import sys
from pathlib import Path

# `python prepare/prepare_train_data.py` looks for modules here; src/ is one folder up.
sys.path[0] = str(Path(__file__).resolve().parents[1])

from src.preparation.train_data import main  # noqa: E402

if __name__ == "__main__":
    main(__doc__)
