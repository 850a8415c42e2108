"""What was the optimizer given? Its settings under Keras's names, where a diagnosis looks for them."""

import json
from typing import Any

from torch import Tensor
from torch.optim import Optimizer

_CLASSES = {"NAdam": "Nadam"}
_SETTINGS = {
    "lr": "learning_rate",
    "eps": "epsilon",
    "alpha": "rho",
    "momentum_decay": "schedule_decay",
}


def optimizer_card(optimizer: Optimizer) -> dict[str, Any]:
    """{"name", "config"} of the first parameter group, which stands for all."""
    name = type(optimizer).__name__
    config: dict[str, Any] = {}
    for key, value in optimizer.param_groups[0].items():
        if key == "params":
            continue
        value = value.item() if isinstance(value, Tensor) and value.numel() == 1 else value
        if key == "betas" and len(value) == 2:
            config |= {"beta_1": float(value[0]), "beta_2": float(value[1])}
        else:
            config[_SETTINGS.get(key, key)] = value
    return {"name": _CLASSES.get(name, name), "config": json.loads(json.dumps(config, default=str))}
