"""Which layers and trainable parameters does a module have, and what are they called?

A path names the way from the model down to the module, "encoder/fc1". A parameter's last name is its role where a
diagnosis tells roles apart: "fc1/weight", "fc1/bias", "bn1/gamma", "tokens/embeddings", "lstm/ih_l0/bias".
"""

from dataclasses import dataclass

from torch import nn
from torch.nn.parallel import DistributedDataParallel

from tb_lossdiag.torch.kinds import LEAVES, NORMALISING
from tb_lossdiag.torch.private import is_loss, original_module


@dataclass(frozen=True)
class Structure:
    """name: of the model. layers: path to module. parameters: path to trainable parameter; owners: to its layer."""

    name: str
    layers: dict[str, nn.Module]
    parameters: dict[str, nn.Parameter]
    owners: dict[str, str]


def bare(model: nn.Module) -> nn.Module:
    """The user's own module, without what torch.compile and DistributedDataParallel put around it."""
    while True:
        if isinstance(model, DistributedDataParallel):
            model = model.module
        elif (original := original_module(model)) is not None:
            model = original
        else:
            return model


def structure_of(model: nn.Module) -> Structure:
    """A layer is a module without inner ones, one of LEAVES, or one with parameters of its own; a model's own are its.

    Of the bare model as it is now: lazy modules get their parameters at their first call.
    """
    name = type(model).__name__
    layers: dict[str, nn.Module] = {}
    inside: list[str] = []  # prefixes of modules that count as one layer
    for dotted, module in model.named_modules():
        if any(dotted.startswith(prefix) for prefix in inside) or _is_passive(module):
            continue
        is_leaf = isinstance(module, LEAVES) or not any(module.children())
        if is_leaf or (module is not model and next(module.parameters(recurse=False), None) is not None):
            layers[_path(dotted) or name] = module
        if is_leaf:
            inside.append(f"{dotted}." if dotted else "")
    parameters: dict[str, nn.Parameter] = {}
    owners: dict[str, str] = {}
    for dotted, parameter in model.named_parameters():
        if parameter.requires_grad:
            owner = _owner(dotted, layers) or name
            path = _path(_role(dotted, layers.get(owner)))
            parameters[path], owners[path] = parameter, owner
    return Structure(name, layers, parameters, owners)


def _is_passive(module: nn.Module) -> bool:
    """Whether it neither does anything nor belongs to the model: a placeholder, or a loss that is kept in it."""
    return isinstance(module, nn.Identity) or is_loss(module)


def _path(dotted: str) -> str:
    return dotted.replace(".", "/")


def _owner(dotted: str, layers: dict[str, nn.Module]) -> str | None:
    """The innermost layer that holds a parameter."""
    parts = dotted.split(".")[:-1]
    holders = ("/".join(parts[:n]) for n in range(len(parts), 0, -1))
    return next((holder for holder in holders if holder in layers), None)


def _role(dotted: str, owner: nn.Module | None) -> str:
    prefix, _, last = dotted.rpartition(".")
    prefix = f"{prefix}." if prefix else ""
    if isinstance(owner, NORMALISING):
        return prefix + {"weight": "gamma", "bias": "beta"}.get(last, last)
    if isinstance(owner, (nn.Embedding, nn.EmbeddingBag)):
        return prefix + {"weight": "embeddings"}.get(last, last)
    words = last.split("_")
    if "bias" in words and len(words) > 1:
        words.remove("bias")
        return f"{prefix}{'_'.join(words)}.bias"
    return dotted
