"""Which private names of PyTorch does the watcher use? All of them stand here, each with what is done without it.

Looked at were PyTorch 2.4 to 2.14. Families of modules are tuples, as `isinstance` takes them.
"""

from torch import Tensor, nn

from tb_lossdiag.recording.private import Private

_ALL = "2.4 to 2.14"
_PUBLIC = "the public modules alone count; what others derive from the private one does not"
_MODULES = "torch.nn.modules"
_ORIGINAL = Private("torch", "OptimizedModule._orig_mod", _ALL, "a compiled model is recorded as one layer")
_VERSION = Private("torch", "Tensor._version", _ALL, "a gradient that is added to in place does not count as new")
_LOSS = Private("torch", f"{_MODULES}.loss._Loss", _ALL, "a loss that a model keeps is one of its layers")
_CONV = Private("torch", f"{_MODULES}.conv._ConvNd", _ALL, _PUBLIC)
_TRANSPOSED = Private("torch", f"{_MODULES}.conv._ConvTransposeNd", _ALL, _PUBLIC)
_BATCH_NORM = Private("torch", f"{_MODULES}.batchnorm._BatchNorm", _ALL, _PUBLIC)
_INSTANCE_NORM = Private("torch", f"{_MODULES}.instancenorm._InstanceNorm", _ALL, _PUBLIC)
_DROPOUT = Private("torch", f"{_MODULES}.dropout._DropoutNd", _ALL, _PUBLIC)
_POOLINGS = tuple(
    Private("torch", f"{_MODULES}.pooling._{kind}PoolNd", _ALL, _PUBLIC)
    for kind in ("Max", "Avg", "AdaptiveMax", "AdaptiveAvg")
)


def _family(private: Private, public: str) -> tuple[type, ...]:
    """The private class that public ones such as "Conv{}d" derive from, else these."""
    known = tuple(getattr(nn, public.format(n)) for n in (1, 2, 3))
    base = private.imported(None)
    return known if base is None else (base, *known)


TRANSPOSED_CONVOLUTIONS = _family(_TRANSPOSED, "ConvTranspose{}d")
CONVOLUTIONS = (*_family(_CONV, "Conv{}d"), *TRANSPOSED_CONVOLUTIONS)
BATCH_NORMS = (*_family(_BATCH_NORM, "BatchNorm{}d"), nn.SyncBatchNorm)
INSTANCE_NORMS = _family(_INSTANCE_NORM, "InstanceNorm{}d")
DROPOUTS = (*_family(_DROPOUT, "Dropout{}d"), nn.Dropout, nn.AlphaDropout, nn.FeatureAlphaDropout)
POOLINGS = tuple(
    kind
    for private, public in zip(
        _POOLINGS, ("MaxPool{}d", "AvgPool{}d", "AdaptiveMaxPool{}d", "AdaptiveAvgPool{}d"), strict=True
    )
    for kind in _family(private, public)
)


def original_module(model: nn.Module) -> nn.Module | None:
    """What was given to torch.compile; None for a model that is not compiled."""
    return _ORIGINAL.of(model, None)


def version_of(tensor: Tensor) -> int:
    """Another one after each change in place."""
    return _VERSION.of(tensor, 0)


def is_loss(module: nn.Module) -> bool:
    return isinstance(module, _LOSS.imported(()))
