"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh."""

import gc

# Importing MindSpore makes more than 100,000 objects, all of which stay: looking for garbage among
# them takes 0.15 s. `program.run` puts an end to this.
gc.set_threshold(20_000)
