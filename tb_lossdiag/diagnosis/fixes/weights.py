"""What should the user change about the weights? What may train, how it starts, and that the loss reaches it."""

from tb_lossdiag.diagnosis.clues import Findings
from tb_lossdiag.diagnosis.framework import Framework, framework_of, is_on_tensorflow
from tb_lossdiag.diagnosis.layer_kinds import RECURRENT
from tb_lossdiag.diagnosis.report import Fix
from tb_lossdiag.diagnosis.snippets import (
    each_layer,
    fresh_weights,
    is_reached,
    joined,
    layer,
    mended_line,
    named_layers,
)
from tb_lossdiag.run import LayerCard

# More frozen layers than this are not named one by one.
NAMED = 4


def unfreeze(f: Findings) -> Fix:
    frozen = f.checks["trainable"].layers
    if f.checks["trainable"].sign("nothing"):
        # Keras passes it on to the layers only where it changes the model's own.
        lines = "for part in (model, *model.layers):\n    part.trainable = True"
    elif 0 < len(frozen) <= NAMED and all(is_reached(f.run, path) for path in frozen):
        lines = "\n".join(f"{layer(path)}.trainable = True" for path in frozen)
    else:
        lines = "for layer in model.layers:\n    layer.trainable = True"
    text = (
        "Load the weights that they were meant to have, or make the layers trainable."
        if f.checks["trainable"].sign("untrained") and not f.checks["trainable"].sign("nothing")
        else "Make the layers trainable before the training starts."
    )
    return Fix(text, joined(lines, mended_line(f.run)))


def initialise(f: Findings) -> Fix:
    known = [one for one in named_layers(f, "initialization") if one.number("kernel_std") is not None]
    layers = [one for one in known if is_reached(f.run, one.path)]
    code = joined(
        *(
            each_layer([one.path for one in layers if _is_like(one, kind, biased)], *_lines(kind, biased))
            for kind in ("relu", "other", "recurrent")
            for biased in (True, False)
        )
    )
    return Fix("Use He initialisation in front of ReLU, Glorot elsewhere, and zero biases.", code)


def narrow_outputs(f: Findings) -> Fix:
    """Where the output layer is an embedding's own matrix, the embedding is what to draw anew."""
    text = "Draw the output's weights more narrowly (embeddings often with a spread of 0.02), or divide the outputs by "
    text += "the square root of their width."
    layers = [one for one in (f.run.card.layers if f.run.card else ()) if one.kind == "Embedding"]
    paths = [one.path for one in layers if is_reached(f.run, one.path)]
    return Fix(text, each_layer(paths, "layer.embeddings.assign(0.02 * layer.embeddings)"))


def _is_like(one: LayerCard, kind: str, biased: bool) -> bool:
    own = "recurrent" if one.kind in RECURRENT else "relu" if one.activation in ("relu", "leaky_relu") else "other"
    return own == kind and (one.number("bias_max") is not None) == biased


def _lines(kind: str, biased: bool) -> list[str]:
    holder = "layer.cell" if kind == "recurrent" else "layer"
    lines = [fresh_weights("HeNormal" if kind == "relu" else "GlorotUniform", holder)]
    lines += [fresh_weights("Orthogonal", holder, "recurrent_kernel")] if kind == "recurrent" else []
    return lines + ([fresh_weights("Zeros", holder, "bias")] if biased else [])


def reconnect(f: Findings) -> Fix:
    text = "Keep the way from variables to loss differentiable: no argmax, round, sign or stop_gradient in it."
    printed = "print([v.path for v, g in zip(model.trainable_variables, gradients) if g is None])"
    gradients = "gradients = tape.gradient(loss, model.trainable_variables)"
    if framework_of(f.run) is Framework.KERAS_LOOP:
        loss = "    loss = loss_fn(y, model(x, training=True))"
    else:
        loss = "    loss = model.compute_loss(y=tf.convert_to_tensor(y[:32]), y_pred=model(x[:32], training=True))"
    code = "\n".join(["with tf.GradientTape() as tape:", loss, gradients, printed]) if is_on_tensorflow(f.run) else ""
    return Fix(text, code)
