"""Train MiDaS on ReDWeb: python train.py --train_data_dir DATA --model_weights ENCODER.ckpt"""

from src.model_utils.config import run
from src.training import train

if __name__ == "__main__":
    run(train, __doc__)
