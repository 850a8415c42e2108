"""How did the weights start? Statistics of each layer's kernel and bias as they are when watching begins."""

from typing import Any

from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.nn.utils.parametrize import is_parametrized

from tb_lossdiag.recording.torch.statistics import as_float
from tb_lossdiag.torch.kinds import RECURRENT
from tb_lossdiag.torch.private import CONVOLUTIONS, TRANSPOSED_CONVOLUTIONS
from tb_lossdiag.torch.structure import Structure

MAX_WEIGHTS = 1_000_000  # of one kernel; the statistics of a million weights are the kernel's, and take a millisecond


def initial_weights(structure: Structure) -> dict[str, dict[str, Any]]:
    """Layer path to facts under the names of run.LayerCard.settings; lazy layers have none yet."""
    found = {}
    for path, layer in structure.layers.items():
        if not any(is_lazy(parameter) for parameter in layer.parameters(recurse=False)):
            found[path] = {**_kernel_facts(layer), **_bias_facts(layer)}
    return found


def _kernel_facts(layer: nn.Module) -> dict[str, Any]:
    kernel = _by_unit(layer)
    if kernel is None or not kernel.numel():
        return {}
    units, fan_in = kernel.shape
    kernel = as_float(kernel[:, : max(1, MAX_WEIGHTS // units)])
    equal = bool((kernel == kernel[:1]).all())
    return {
        "kernel_mean": float(kernel.mean()),
        "kernel_std": float(kernel.std(correction=0)),
        "kernel_fan_in": fan_in,
        "kernel_identical_columns": equal and (units > 1 or not bool(kernel.any())),
    }


def _by_unit(layer: nn.Module) -> Tensor | None:
    """[units, inputs of a unit]; a grouped convolution's unit sees the channels of its group.

    None also of a weight that is computed when it is read, such as a spectral norm's, which each reading moves.
    """
    if is_parametrized(layer):
        return None
    if isinstance(layer, nn.Linear):
        return layer.weight.detach()
    if isinstance(layer, TRANSPOSED_CONVOLUTIONS):
        return layer.weight.detach().transpose(0, 1).flatten(1)
    if isinstance(layer, CONVOLUTIONS):
        return layer.weight.detach().flatten(1)
    return layer.weight_ih_l0.detach() if isinstance(layer, RECURRENT) else None


def _bias_facts(layer: nn.Module) -> dict[str, Any]:
    if is_parametrized(layer):
        return {}
    bias = layer.bias if isinstance(layer, (nn.Linear, *CONVOLUTIONS)) else None
    if isinstance(layer, RECURRENT) and layer.bias:
        bias = layer.bias_ih_l0.detach() + layer.bias_hh_l0.detach()  # torch adds both where Keras has one
    if bias is None or not bias.numel():
        return {}
    bias = as_float(bias.detach())
    return {"bias_mean": float(bias.mean()), "bias_min": float(bias.min()), "bias_max": float(bias.max())}
