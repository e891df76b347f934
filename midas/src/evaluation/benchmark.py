"""The zero-shot evaluation of several datasets, one after the other."""

from ..model_utils.media import show_progress
from .page import write_page
from .panels import write_panels
from .report import write_reports


def choose(data_name, graphs, places):
    """What to evaluate, and how.

    Args:
        data_name: a dataset's name, or all.
        graphs: {dataset: ONNX file or ""}.
        places: {dataset: its place}.
    Returns:
        ({dataset: ONNX file} of the graphs that are given, {dataset: place} of what is wanted).
        Where there are graphs, their datasets are all that is wanted.
    """
    wanted = list(places) if data_name == "all" else [data_name]
    graphs = {name: file for name, file in graphs.items() if file and name in wanted}
    wanted = list(graphs) or wanted
    return graphs, {name: place for name, place in places.items() if name in wanted}


def evaluate_all(
    evaluator, datasets, predicts, *, result_file, csv_file, panels_path, panels, page=None
):
    """Evaluate datasets; print one line for each, write results and panels.

    Args:
        evaluator: Evaluator.
        datasets: {name: dataset}.
        predicts: {name: function of (B, 3, h, w) float32 that returns (B, h, w)}.
        result_file, csv_file: means as JSON, one CSV line per image.
        panels_path, panels: folder, and how many of the worst and the best images go there.
        page: ReportPlace, or None.
    Raises:
        InputError: a bad file, or no image of a dataset has a valid pixel.
        RunError: a prediction is not finite.
    """
    reports = []
    for name, dataset in datasets.items():
        evaluator.predict = predicts[name]
        report = evaluator.run(dataset, show_progress(f"{name} processing"))
        reports.append(report)
        for image in report.left_out:
            print(f"left out, no valid pixel: {name} {image}")
        print(report.line(), flush=True)
        # After each dataset: an interrupted run keeps what it has.
        write_reports(reports, result_file, csv_file)
        if panels:
            write_panels(panels_path, evaluator, dataset, report.rows, panels)
    print({report.title: report.value for report in reports})
    compiled = f"{len(evaluator.shapes)} graphs were compiled"
    print(f"wrote {result_file} and {csv_file}; {compiled}")
    if page:
        write_page(page, evaluator, datasets, predicts, reports)
