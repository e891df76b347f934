"""Evaluate MiDaS zero-shot: python eval.py --train_data_dir data --data_name all"""

from src.benchmark import evaluate
from src.model_utils.config import run

if __name__ == "__main__":
    run(evaluate, __doc__)
