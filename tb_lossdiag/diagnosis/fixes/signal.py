"""What should the user change between the layers? Activations, clipping and normalisation, for the layers concerned."""

import numpy as np

from tb_lossdiag.diagnosis.clues import Findings
from tb_lossdiag.diagnosis.report import Fix
from tb_lossdiag.diagnosis.settings import hidden_layers
from tb_lossdiag.diagnosis.snippets import compile_line, layer_lines, named_layers, rounded
from tb_lossdiag.diagnosis.symptoms.architecture import SATURATING


def clip(f: Findings) -> Fix:
    norm = f.run.steps.get("gradient_norm")
    sizes = norm.values[np.isfinite(norm.values) & (norm.values > 0)] if norm is not None else np.array([])
    # Near the 90th percentile of the norms (Google's tuning playbook), but 1 where every norm is an explosion already.
    wanted = min(float(np.percentile(sizes, 90)), 1.0) if len(sizes) else 1.0
    return Fix(
        "Clip the gradient norm; gated cells (LSTM, GRU) or a smaller recurrent initialiser cure it at the root.",
        compile_line(f.run, extra=f"global_clipnorm={rounded(wanted)}"),
    )


def shorten_gradient_path(f: Findings) -> Fix:
    hidden = f.run.card.layers[:-1] if f.run.card else ()
    return Fix(
        "Use ReLU with He initialisation in the hidden layers; in deeper models add normalisation or skip connections.",
        layer_lines([layer for layer in hidden if layer.activation in SATURATING], "relu"),
    )


def swap_activation(f: Findings) -> Fix:
    return Fix("Give the hidden layers a ReLU with He initialisation.", layer_lines(hidden_layers(f.run), "relu"))


def leak(f: Findings) -> Fix:
    return Fix(
        "Use an activation that lets a gradient through below zero, and a smaller learning rate.",
        layer_lines(named_layers(f, "dead_units"), "leaky_relu"),
    )


def desaturate(f: Findings) -> Fix:
    names = f.checks["saturated_units"].layers
    return Fix(
        "Bring the pre-activations back into range.",
        f"keras.layers.LayerNormalization()  # in front of {names[0] if names else ''!r}",
    )
