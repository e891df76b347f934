"""Train DepthNet on NYU: python train.py --data_url NYU --device_id 0"""

from src.model_utils.config import run
from src.training import train

if __name__ == "__main__":
    run(train, __doc__)
