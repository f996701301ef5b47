"""One process of a distributed run, for test_scale.py: trains, and leaves what it ended with under its own rank.

python scale_worker.py CONFIG.yaml FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from vqseg.config import load_config
from vqseg.training.trainer import Trainer


def main(config: str, folder: str) -> None:
    torch.set_num_threads(1)
    trainer = Trainer(load_config(config))
    tensors = {f"before.{name}": value.clone() for name, value in trainer.network.state_dict().items()}
    trainer.run()
    tensors |= {f"student.{name}": value for name, value in trainer.network.state_dict().items()}
    tensors |= {f"teacher.{name}": value for name, value in trainer.teacher.model.state_dict().items()}
    tensors["usage"] = trainer.network.quantizer.usage
    rank = trainer.accelerator.process_index
    save_file({name: value.contiguous() for name, value in tensors.items()}, Path(folder) / f"rank{rank}.safetensors")


if __name__ == "__main__":
    main(*sys.argv[1:])
