"""DepthNet: networks, loss, data and loops; the entry points are one folder up."""
