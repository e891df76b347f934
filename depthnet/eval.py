"""Evaluate DepthNet on NYU's test images: python eval.py --test_data NYU"""

import json
from pathlib import Path

from src.datasets import NyuTest
from src.evaluation import Evaluator
from src.evaluation.page import write_page
from src.metrics import format_metrics
from src.model_utils.batches import show_progress
from src.model_utils.checkpoint import must_exist
from src.model_utils.context import start
from src.model_utils.errors import InputError
from src.model_utils.files import write_bytes
from src.model_utils.program import run
from src.model_utils.report import report_place
from src.prediction import load_stage


def main(config):
    """Score both stages, print the averages, write metrics_json, the panels and the report."""
    report = report_place(config.report, config.fine_ckpt_model)
    must_exist(config.coarse_ckpt_model, config.fine_ckpt_model)
    folder = Path(config.test_data or config.data_url) / "Test"
    data = NyuTest(folder, config.mask_invalid, config.skip_bad_samples)
    start(config)
    coarse = load_stage("coarse", config.coarse_ckpt_model)
    fine = load_stage("fine", config.fine_ckpt_model)
    options = {"mask_invalid": config.mask_invalid, "batch_size": config.eval_batch_size}
    evaluator = Evaluator(coarse, fine, **options)
    result = evaluator.evaluate(data, show_progress("evaluated"))
    if not result["images"]:
        raise InputError(f"{folder}: no image has a pixel with depth")
    for name in result["left_out"]:
        print(f"left out, no pixel with depth: {name}")
    for stage, values in result["average"].items():
        print(f"{stage} net: {format_metrics(values)}")
    write_bytes(config.metrics_json, json.dumps(result, indent=1).encode())
    print(f"wrote {config.metrics_json}")
    if config.save_panels:
        paths = evaluator.save_panels(data, result, config.save_panels, config.panels_path)
        print(f"wrote {len(paths)} panels to {config.panels_path}")
    if report:
        write_page(report, evaluator, data, result)


if __name__ == "__main__":
    run(main, __doc__)
