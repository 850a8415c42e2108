"""How does a plain PyTorch training loop get recorded? `watch` hangs on to the model and the optimizer.

from tb_lossdiag.torch import watch

with watch(model, optimizer, "logs/run1", loss=criterion):
    ...  # the loop as it is
"""

try:
    import torch as _torch  # noqa: F401  before our own files, whose errors would name one of them
except ModuleNotFoundError as error:
    raise ModuleNotFoundError("tb_lossdiag.torch needs PyTorch: pip install 'tb-lossdiag[torch]'") from error

from tb_lossdiag.torch.watch import watch

__all__ = ["watch"]
