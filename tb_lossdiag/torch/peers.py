"""Do other processes take the step together with this one? What one of them alone asks of all, none of them answers."""

import torch


def has_peers() -> bool:
    distributed = torch.distributed
    return distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1
