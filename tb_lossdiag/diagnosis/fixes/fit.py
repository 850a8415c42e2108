"""What should the user change about the model's size? Width, dropout, penalties and normalisation statistics."""

from dataclasses import replace

from tb_lossdiag.diagnosis.clues import Findings
from tb_lossdiag.diagnosis.report import Fix
from tb_lossdiag.diagnosis.settings import hidden_layers
from tb_lossdiag.diagnosis.snippets import layer_lines, rounded

# A penalty of this share of the loss still shapes the weights and no longer decides the direction.
WANTED_SHARE = 0.05


def less_dropout(f: Findings) -> Fix:
    names = f.checks["architecture"].layers
    return Fix("Lower the dropout rate.", "\n".join(f"keras.layers.Dropout(0.3)  # {name!r}" for name in names[:4]))


def widen(f: Findings) -> Fix:
    layers = [replace(layer, units=max(32, layer.units * 8)) for layer in hidden_layers(f.run)]
    return Fix(
        "Give the model more units, or a hidden layer if it has none.",
        layer_lines(layers, None) or "keras.layers.Dense(64, activation='relu')",
    )


def regularise(f: Findings) -> Fix:
    best = f.checks["generalization_gap"].sign("best_epoch")
    output = next((layer for layer in reversed(f.run.card.layers) if layer.parameters), None) if f.run.card else None
    where = f"  # in front of {output.path!r}" if output else ""
    return Fix(
        f"Stop near epoch {best}, add dropout or L2, or train on more data."
        if best
        else "Stop earlier, add dropout or L2, or train on more data.",
        f"keras.layers.Dropout(0.5){where}\nkeras.callbacks.EarlyStopping(patience=3, restore_best_weights=True)",
    )


def lighten_penalty(f: Findings) -> Fix:
    known = f.checks["penalty_share"]
    share = max(known.sign("share_start") or 0.0, known.sign("share_end") or 0.0) or 0.99
    factor = WANTED_SHARE * max(1 - share, 0.01) / max(share, 0.01)
    penalised = [layer for layer in (f.run.card.layers if f.run.card else ()) if _strength(layer.settings)]
    lines = [
        f"keras.regularizers.{kind}({rounded(strength * factor)})  # {layer.path!r}, was {strength:g}"
        for layer in penalised[:4]
        for kind, strength in [_strength(layer.settings)]
    ]
    return Fix(
        f"The penalty is {share:.0%} of the loss. Make it about {1 / factor:.0f} times weaker.",
        "\n".join(lines) or f"penalty = {rounded(factor)} * penalty",
    )


def align_evaluation(f: Findings) -> Fix:
    if f.checks["train_eval_gap"].sign("fault") == "unlike_data":
        return Fix(
            "Prepare the validation data exactly as the training data, with the same scaling and the same columns.",
            "print(x.mean(), x.std(), x_val.mean(), x_val.std())  # the pairs should agree",
        )
    names = f.checks["train_eval_gap"].layers[:4]
    lines = [f"keras.layers.BatchNormalization(momentum=0.9)  # {name!r}" for name in names]
    return Fix(
        "Let the moving statistics catch up with the batches: a smaller momentum, and batches of 16 or more.",
        "\n".join(lines) or "keras.layers.BatchNormalization(momentum=0.9)",
    )


def _strength(settings) -> tuple[str, float] | None:
    """Class and strength of a kernel's L1 or L2 penalty, as the layer's settings hold them."""
    written = settings.get("kernel_regularizer")
    config = written.get("config") if isinstance(written, dict) else None
    for kind in ("l2", "l1"):
        strength = config.get(kind) if isinstance(config, dict) else None
        if isinstance(strength, (int, float)) and strength > 0:
            return kind.upper(), float(strength)
    return None
