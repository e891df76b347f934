"""Evaluate DepthNet on NYU's test pictures: python eval.py --test_data NYU"""

from src.evaluation import evaluate
from src.model_utils.config import run

if __name__ == "__main__":
    run(evaluate, __doc__)
