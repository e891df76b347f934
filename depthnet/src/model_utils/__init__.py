"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh."""

import gc
import os

# Importing MindSpore makes more than 100,000 objects, all of which stay: looking for garbage among
# them takes 0.15 s. `program.run` puts an end to this.
gc.set_threshold(20_000)

# MindSpore warns of each graph that it takes from a former run (graph_cache.py), and of each that
# it does not. Whoever sets GLOG_v sees that.
if "GLOG_v" not in os.environ:
    os.environ.setdefault("MS_SUBMODULE_LOG_v", "{PIPELINE:3}")
