"""What should the user change about the weights? What may train, how it starts, and that the loss reaches it."""

from tb_lossdiag.diagnosis.clues import Findings
from tb_lossdiag.diagnosis.report import Fix
from tb_lossdiag.diagnosis.snippets import compile_line, layer_lines, named_layers


def unfreeze(f: Findings) -> Fix:
    # A nested layer is reached by one get_layer for each part of its path.
    paths = [name.split("/") for name in f.checks["trainable"].layers[:4]]
    lines = ["".join(["model", *(f".get_layer({part!r})" for part in path), ".trainable = True"]) for path in paths]
    return Fix(
        "Make the layers trainable, then compile again.",
        "\n".join([*lines, compile_line(f.run)]),
    )


def initialise(f: Findings) -> Fix:
    return Fix(
        "Use He initialisation in front of ReLU, Glorot elsewhere, and zero biases.",
        layer_lines(named_layers(f, "initialization"), None),
    )


def reconnect(f: Findings) -> Fix:
    return Fix(
        "Keep the way from variables to loss differentiable: no argmax, round, .numpy() or stop_gradient in it.",
        "gradients = tape.gradient(loss, model.trainable_variables)\n"
        "print([v.path for v, g in zip(model.trainable_variables, gradients) if g is None])",
    )
