"""Which axis of a tensor holds the units, and which the batch? Torch has the channels of images and signals second.

A unit is what a module has many of: a feature, a channel. What Keras records has the batch first and the units last.
"""

from torch import Tensor, nn

from tb_lossdiag.torch.private import BATCH_NORMS, CONVOLUTIONS, INSTANCE_NORMS, POOLINGS

CHANNELS_FIRST = (
    *(*CONVOLUTIONS, *BATCH_NORMS, *INSTANCE_NORMS, *POOLINGS),
    *(nn.GroupNorm, nn.PixelShuffle, nn.Upsample),
)
UNITS_LAST = (nn.Linear, nn.LayerNorm, nn.RMSNorm, nn.Embedding, nn.EmbeddingBag, nn.RNNBase, nn.MultiheadAttention)
IMAGE_RANK = 4


def units_second(module: nn.Module | None, rank: int, inherited: bool | None = None) -> bool:
    """Whether axis 1 of a module's output holds the units. inherited: whether it did in the module before.

    Where neither tells, an image's are there, and those of anything smaller come last.
    """
    if isinstance(module, CHANNELS_FIRST):
        return True
    if isinstance(module, UNITS_LAST):
        return False
    return inherited if inherited is not None and rank > 2 else rank >= IMAGE_RANK


def arranged(tensor: Tensor, units_second: bool, module: nn.Module | None = None) -> Tensor:
    """[batch, ..., units] of the same numbers."""
    if tensor.dim() == 3 and getattr(module, "batch_first", True) is False:
        return tensor.transpose(0, 1)
    return tensor.movedim(1, -1) if units_second and tensor.dim() > 2 else tensor
