"""How is a Keras model rebuilt with one thing changed? Another head, wider layers, a layer more; as code.

Only a Functional or Sequential model can be: one whose `call` is the user's own has no graph to be rebuilt from.
"""

from collections.abc import Mapping
from typing import Any

from tb_lossdiag.diagnosis.layer_kinds import NORMALISING, is_one_of
from tb_lossdiag.diagnosis.snippets import ends, fit_line, joined, kept_loss, layer, recompiled
from tb_lossdiag.run import LayerCard, Run


def can_be_rebuilt(run: Run) -> bool:
    """Whether its layers make up its whole graph; older logs do not say."""
    return run.card is not None and run.card.settings.get("functional") is not False


def new_head(run: Run, output: LayerCard, head: str, compile_call: str) -> str:
    """Another layer in the place of the output layer. head: its constructor."""
    return joined(
        kept_loss(run) if "loss=loss" in compile_call else "",
        f"model = keras.Model({ends(run, 'inputs')}, keras.layers.{head}({layer(output.path)}.input))",
        compile_call,
    )


def with_changed_layers(run: Run, changes: Mapping[str, Mapping[str, Any]]) -> str:
    """The model once more, with other options of some layers. changes: {path: {option: value}}.

    Layers that they feed are made anew, as their weights have another shape now; all others stay what they are, so that
    what was loaded into them is not lost.
    """
    anew = {path.rsplit("/", 1)[-1]: dict(changes.get(path, {})) for path in [*changes, *_fed_by(run, set(changes))]}
    nested = ", recursive=True" if any("/" in path for path in changes) else ""
    return joined(
        kept_loss(run),
        f"changes = {anew!r}\n"
        "def changed(layer):\n"
        "    if layer.name not in changes:\n"
        "        return layer\n"
        "    return type(layer).from_config(layer.get_config() | changes[layer.name])\n",
        copied(run, "changed", nested),
        recompiled(run),
    )


def copied(run: Run, clone_function: str, more: str = "") -> str:
    """The line that copies the model's graph alone: what it was compiled with may not be possible to copy."""
    graph = f"keras.Model({ends(run, 'inputs')}, {ends(run, 'outputs')})"
    return f"model = keras.models.clone_model({graph}, clone_function={clone_function}{more})"


def _fed_by(run: Run, paths: set[str]) -> list[str]:
    """The layers whose weights depend on how many units these have; all behind them where the way is not known."""
    reached, found = set(paths), []
    for one in run.card.layers if run.card else ():
        if one.path in paths or not (reached.intersection(one.inputs) or (found and not one.inputs)):
            continue
        if one.parameters:
            found.append(one.path)
        if not one.parameters or is_one_of(one, NORMALISING):
            reached.add(one.path)
    return found


def in_front_of_output(run: Run, output: LayerCard, more: str) -> str:
    """The model with one layer more in front of its output layer. more: that layer's constructor."""
    return joined(
        kept_loss(run),
        f"output = {layer(output.path)}\n"
        "head = type(output).from_config(output.get_config())\n"
        f"model = keras.Model({ends(run, 'inputs')}, head(keras.layers.{more}(output.input)))",
        recompiled(run),
    )


def normalised_in_front(run: Run, names: list[str]) -> str:
    """The model with a normalisation in front of each of these layers."""
    return joined(
        kept_loss(run),
        f"names = {names!r}\n"
        "def normalised(layer):\n"
        "    if layer.name not in names:\n"
        "        return layer\n"
        "    fresh = type(layer).from_config(layer.get_config())\n"
        "    return keras.Sequential([keras.layers.LayerNormalization(), fresh], name='normalised_' + layer.name)\n",
        copied(run, "normalised"),
        recompiled(run),
    )


def stopped_early(run: Run) -> str:
    """A fit that ends where validation is best."""
    stop = "keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True)"
    return fit_line(run, validation_split="0.2", callbacks=f"[{stop}]")
