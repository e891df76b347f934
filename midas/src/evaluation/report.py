"""What an evaluation writes: the means as JSON, one CSV line per image."""

import csv
import io
import json

from ..model_utils.files import write_bytes

_COLUMNS = "dataset,image,metric,value,valid_pixels,scale,shift,network_height,network_width"


def write_reports(reports, result_file, csv_file):
    """Write {dataset: mean} as JSON, and the images' values as CSV.

    Args:
        reports: list of Report.
        result_file, csv_file: paths.
    """
    means = {report.title: report.value for report in reports}
    write_bytes(result_file, json.dumps(means).encode())
    write_bytes(csv_file, per_image_csv(reports).encode())


def per_image_csv(reports):
    """One line per image: value, valid pixels, alignment, shape at the network."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS.split(","))
    for report in reports:
        for row in report.rows:
            s = row.score
            numbers = (s.value, s.valid_pixels, s.scale, s.shift, *row.shape)
            writer.writerow((report.title, row.name, report.metric, *numbers))
    return text.getvalue()
