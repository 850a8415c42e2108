"""Which private names of PyTorch does the watcher use? All of them stand here, each with what is done without it.

Looked at were PyTorch 2.4 to 2.14. Families of modules are tuples, as `isinstance` takes them.
"""

from typing import Any

from torch import Tensor, nn

from tb_lossdiag.recording.private import Private

_ALL = "2.4 to 2.14"
_PUBLIC = "the public modules alone count; what others derive from the private one does not"
_MODULES = "torch.nn.modules"
_ORIGINAL = Private("torch", "OptimizedModule._orig_mod", _ALL, "a compiled model is recorded as one layer")
_COMPILED = Private(
    "torch", "Module._compiled_call_impl", _ALL, "a module compiled in place may be compiled once more for a sample"
)
_VERSION = Private("torch", "Tensor._version", _ALL, "a gradient that is added to in place does not count as new")
_LOSS = Private("torch", f"{_MODULES}.loss._Loss", _ALL, "a loss that a model keeps is one of its layers")
_CONV = Private("torch", f"{_MODULES}.conv._ConvNd", _ALL, _PUBLIC)
_TRANSPOSED = Private("torch", f"{_MODULES}.conv._ConvTransposeNd", _ALL, _PUBLIC)
_BATCH_NORM = Private("torch", f"{_MODULES}.batchnorm._BatchNorm", _ALL, _PUBLIC)
_INSTANCE_NORM = Private("torch", f"{_MODULES}.instancenorm._InstanceNorm", _ALL, _PUBLIC)
_CALLED = "a user's hook may be called once more, for a pass in evaluation mode"
_HOOKS = tuple(Private("torch", f"Module.{name}", _ALL, _CALLED) for name in ("_forward_hooks", "_forward_pre_hooks"))
_GLOBAL_HOOKS = tuple(
    Private("torch", f"{_MODULES}.module.{name}", _ALL, _CALLED)
    for name in ("_global_forward_hooks", "_global_forward_pre_hooks")
)
_GRADIENTS = "a user's hook on gradients may be called once more, for the gradient of a part of the loss"
_TENSOR_HOOKS = Private("torch", "Tensor._backward_hooks", _ALL, _GRADIENTS)
_MODULE_HOOKS = tuple(
    Private("torch", f"Module.{name}", _ALL, _GRADIENTS) for name in ("_backward_hooks", "_backward_pre_hooks")
)
_GLOBAL_BACKWARD_HOOKS = tuple(
    Private("torch", f"{_MODULES}.module.{name}", _ALL, _GRADIENTS)
    for name in ("_global_backward_hooks", "_global_backward_pre_hooks")
)
_PACKING = Private(
    "torch",
    "torch._C._autograd._top_saved_tensors_default_hooks",
    _ALL,
    "a user's way of keeping tensors for the backward pass may be asked once more",
)
_LEVEL = Private(
    "torch", "torch._C._functorch.maybe_current_level", _ALL, "what torch.func computes ends the recording"
)
_SCALE = Private("torch", "GradScaler._scale", _ALL, "the scale is what the loss was multiplied by; unknown of a NaN")
_METADATA = Private("torch", "Node._input_metadata", "2.5 to 2.14", "broadcasts in a loss written by hand are not seen")
_UNSEEN = "a product that broadcasts is not seen"
_OTHER = Private("torch", "MulBackward0._saved_other", _ALL, _UNSEEN)
_SELF = Private("torch", "MulBackward0._saved_self", _ALL, _UNSEEN)
_SOFTMAX = Private("torch", "SoftmaxBackward0._saved_dim", _ALL, "a softmax over the batch is not seen")
_VIEWED = Private("torch", "ViewBackward0._saved_self_sym_sizes", _ALL, "a view of a layer's output is not seen")
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


def is_transformed() -> bool:
    """Whether torch.func transforms what is computed now: its tensors stand for many, or have no numbers."""
    level = _LEVEL.imported(None)
    return level is not None and level() is not None


def is_compiled(module: nn.Module) -> bool:
    """By torch.compile, or by its own `compile`."""
    return original_module(module) is not None or _COMPILED.of(module, None) is not None


def version_of(tensor: Tensor) -> int:
    """Another one after each change in place."""
    return _VERSION.of(tensor, 0)


def scale_of(scaler: object, loss: Tensor, product: Tensor) -> Tensor:
    """By what a GradScaler multiplied the loss; it changes the tensor in place later."""
    scale = _SCALE.of(scaler, None)
    return product.detach() / loss.detach() if scale is None else scale.detach().clone()


def shape_of(node: Any, output: int = 0) -> tuple[int, ...] | None:
    """Of an output of an autograd node; None where it is not known."""
    metadata = _METADATA.of(node, ())
    return tuple(metadata[output].shape) if output < len(metadata) else None


def constant_shape(node: Any, side: int) -> tuple[int, ...] | None:
    """Of what a product's or quotient's node has on the other side than this, 0 or 1; None where it is not kept.

    Not to be asked where the training keeps such tensors in a way of its own: unpacking one may compute it anew.
    """
    constant = (_OTHER if side == 0 else _SELF).of(node, None)
    return tuple(constant.shape) if isinstance(constant, Tensor) else None


def has_hooks(module: nn.Module) -> bool:
    """Whether somebody is called before or after each pass."""
    return any(hooks.of(module, None) for hooks in _HOOKS) or any(hooks.imported(None) for hooks in _GLOBAL_HOOKS)


def has_backward_hooks(owner: Tensor | nn.Module) -> bool:
    """Whether somebody is called when a gradient comes to this leaf, or to a module's output or input."""
    if isinstance(owner, Tensor):
        return bool(_TENSOR_HOOKS.of(owner, None))
    of_module = any(hooks.of(owner, None) for hooks in _MODULE_HOOKS)
    return of_module or any(hooks.imported(None) for hooks in _GLOBAL_BACKWARD_HOOKS)


def keeps_saved_tensors_elsewhere() -> bool:
    """Whether hooks pack what autograd keeps from here on."""
    top = _PACKING.imported(None)
    return top is not None and top(False) is not None


def is_loss(module: nn.Module) -> bool:
    return isinstance(module, _LOSS.imported(()))


def softmax_axis(node: Any) -> int | None:
    """The axis of a softmax, or of its logarithm, as an autograd node keeps it; None for any other node."""
    if type(node).__name__ not in ("SoftmaxBackward0", "LogSoftmaxBackward0"):
        return None
    axis = _SOFTMAX.of(node, None)
    return axis if axis is None or axis < 2**63 else axis - 2**64  # kept without a sign


def shape_before_view(node: Any) -> tuple[int, ...] | None:
    """Of what an autograd node of a view or a reshape without a copy was given; None for any other node."""
    if type(node).__name__ not in ("ViewBackward0", "ReshapeAliasBackward0", "UnsafeViewBackward0"):
        return None
    sizes = _VIEWED.of(node, None)
    return None if sizes is None else tuple(int(size) for size in sizes)
