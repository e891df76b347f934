"""DepthNet: networks, loss, data, evaluation and export; the entry points are one folder up."""
