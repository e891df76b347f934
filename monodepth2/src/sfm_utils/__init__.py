"""Geometry of video and KITTI: the files that Monodepth2 and GeoNet share."""
