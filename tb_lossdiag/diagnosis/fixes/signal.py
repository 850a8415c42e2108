"""What should the user change between the layers? Activations, clipping and normalisation, for the layers concerned."""

import numpy as np

from tb_lossdiag.diagnosis.clues import Findings
from tb_lossdiag.diagnosis.framework import is_torch
from tb_lossdiag.diagnosis.piecewise import piecewise_layers
from tb_lossdiag.diagnosis.report import Fix
from tb_lossdiag.diagnosis.settings import hidden_layers, saturating_layers
from tb_lossdiag.diagnosis.snippets import (
    activation_lines,
    compile_line,
    each_layer,
    is_reached,
    joined,
    mended_line,
    named_layers,
    rounded,
)
from tb_lossdiag.diagnosis.surgery import can_be_rebuilt, normalised_in_front
from tb_lossdiag.run import LayerCard


def clip(f: Findings) -> Fix:
    norm = f.run.steps.get("gradient_norm")
    sizes = norm.values[np.isfinite(norm.values) & (norm.values > 0)] if norm is not None else np.array([])
    # Near the 90th percentile of the norms (Google's tuning playbook), but 1 where every norm is an explosion already.
    wanted = min(float(np.percentile(sizes, 90)), 1.0) if len(sizes) else 1.0
    return Fix(
        "Clip the gradient norm; gated cells (LSTM, GRU) or a smaller recurrent initialiser cure it at the root.",
        compile_line(f.run, extra=f"global_clipnorm={rounded(wanted)}"),
    )


def keep_finite(f: Findings) -> Fix:
    return Fix(
        "Keep what a root, a logarithm, a norm or a division is taken of away from 0: add 1e-8 inside, or clip it "
        "first. At 0 the derivative of a root is infinite, and the logarithm itself; times 0 that is NaN."
    )


def shorten_gradient_path(f: Findings) -> Fix:
    return Fix(
        "Use ReLU with He initialisation in the hidden layers; in deeper models add normalisation or skip connections.",
        _activated(f, saturating_layers(f.run), "relu"),
    )


def remember(f: Findings) -> Fix:
    """Padding is what a recurrent layer forgets by most."""
    layers = f.run.card.layers if f.run.card else ()
    lookups = [one.path for one in layers if one.kind == "Embedding" and is_reached(f.run, one.path)]
    lines = each_layer(lookups, "layer.mask_zero = layer.supports_masking = True")
    how = "pack_padded_sequence" if is_torch(f.run) else "mask_zero=True in the Embedding"
    text = f"Leave padding out ({how}), pad in front, or pool over all steps; where nothing is padded, read fewer."
    return Fix(text, joined(lines, mended_line(f.run)) if lines else "")


def swap_activation(f: Findings) -> Fix:
    hidden = {layer.path: layer for layer in (*hidden_layers(f.run), *saturating_layers(f.run))}
    return Fix("Give the hidden layers a ReLU with He initialisation.", _activated(f, list(hidden.values()), "relu"))


def smooth_activation(f: Findings) -> Fix:
    return Fix(
        "Give the hidden layers an activation that is smooth, tanh, sine or swish, and start them anew.",
        _activated(f, piecewise_layers(f.run), "tanh"),
    )


def leak(f: Findings) -> Fix:
    return Fix(
        "Use an activation that lets a gradient through below zero, and a smaller learning rate.",
        _activated(f, named_layers(f, "dead_units"), "leaky_relu"),
    )


def desaturate(f: Findings) -> Fix:
    names = [path for path in f.checks["saturated_units"].layers if is_reached(f.run, path)]
    top = [name for name in names if "/" not in name]
    code = normalised_in_front(f.run, top) if top and can_be_rebuilt(f.run) else ""
    where = f" of {names[0]!r}" if names else ""
    return Fix(f"Bring the values in front{where} back into range: normalise there, or scale less.", code)


def _activated(f: Findings, layers: list[LayerCard], activation: str) -> str:
    lines = activation_lines(f.run, layers, activation)
    return joined(lines, mended_line(f.run)) if lines else ""
