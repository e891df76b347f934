"""Monodepth2: network, losses, weights and data."""
