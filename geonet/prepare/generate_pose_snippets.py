"""Write the true poses of each few frames of a KITTI odometry sequence, for eval_pose.

    python prepare/generate_pose_snippets.py --dataset_dir ODOMETRY --output_dir SNIPPETS \\
        --seq_id 09 --seq_length 5

Reads poses/<NN>.txt and sequences/<NN>/times.txt. Writes <output_dir>/<first frame>.txt with lines
`time tx ty tz qx qy qz qw`: seconds, and the cameras in the frame of the first one, in metres.
"""

import sys
from pathlib import Path

# `python prepare/generate_pose_snippets.py` looks for modules here; src/ is one folder up.
sys.path[0] = str(Path(__file__).resolve().parents[1])

from src.preparation.pose_snippets import main  # noqa: E402

if __name__ == "__main__":
    main(__doc__)
