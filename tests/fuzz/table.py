"""Every way in which a program reads files."""

from tests.fuzz import (
    depthnet_readers,
    geonet_readers,
    geonet_weights_readers,
    image_readers,
    midas_readers,
    monodepth2_readers,
    scripts_readers,
    sfm_readers,
    shared_readers,
    weights_readers,
)

READERS = {
    **image_readers.READERS,
    **shared_readers.READERS,
    **depthnet_readers.READERS,
    **midas_readers.READERS,
    **monodepth2_readers.READERS,
    **geonet_readers.READERS,
    **geonet_weights_readers.READERS,
    **sfm_readers.READERS,
    **scripts_readers.READERS,
    **weights_readers.READERS,
}
