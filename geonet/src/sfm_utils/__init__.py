"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh."""
