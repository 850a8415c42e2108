"""Do loss, output activation, output units and labels fit together? Static, and aware of what Keras 3 quietly corrects.

Keras 3's losses read a softmax's or sigmoid's cached pre-activation values (`reads_logits`), so a pair that froze under
Keras 2 may train, and a one-unit softmax may show a falling loss while every prediction is 1.
"""

from dataclasses import replace

import numpy as np

from tb_lossdiag.diagnosis.beyond_loss import beyond_the_loss, is_turned_round
from tb_lossdiag.diagnosis.framework import is_torch
from tb_lossdiag.diagnosis.losses import OF_LOGARITHMS, loss_cards
from tb_lossdiag.diagnosis.measured import asks_for_its_targets, has_several
from tb_lossdiag.diagnosis.needs import recorded
from tb_lossdiag.diagnosis.output_layer import Pair, gives_predictions, output_layer, output_units
from tb_lossdiag.diagnosis.output_range import RANGES, regression, unreachable
from tb_lossdiag.diagnosis.reference import (
    BINARY,
    CATEGORICAL,
    DISTANCES,
    known_targets,
    pooled_mean,
    value_range,
)
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.diagnosis.window import late
from tb_lossdiag.run import Run

ID = "loss_pairing"
TITLE = "Loss and output layer"
SOURCE = "the loss's definition"
# Keras's takes the prediction's own logarithm; torch's takes, as it is, the prediction for one.
LOGARITHMIC = {"poisson"}
NEVER_NEGATIVE = {"relu", "relu6", "softplus", "exponential", "sigmoid", "softmax"}
# Torch's, which take labels as they are; Keras's hinges make signs of 0 and 1.
OF_SIGNS = {"cosine_embedding_loss", "hinge_embedding_loss", "margin_ranking_loss", "soft_margin_loss"}
OF_PROBABILITIES = {"kl_divergence", "kullback_leibler_divergence"}
SQUARED_LOGARITHMS = {"mean_squared_logarithmic_error", "msle"}
OF_ANGLES = {"cosine_similarity"}
RELATIVE = {"mean_absolute_percentage_error", "mape"}
PROBABILITIES = {"softmax", "sigmoid", "hard_sigmoid"}
# Activations whose outputs are known to leave 0 … 1; about any other one only the predictions can tell.
NO_PROBABILITIES = {"linear", *RANGES} - PROBABILITIES


def check(run: Run) -> Check:
    if run.card is None or not run.card.loss.get("name"):
        return Check(ID, TITLE, "not_run", needs=recorded("the model card", run))
    output = output_layer(run.card)
    if output is None:
        return Check(ID, TITLE, "not_run", needs="a model whose layers are known")
    pairs = _pairs(run) if has_several(run) else [Pair(output, output_units(run.card), run.card.loss)]
    if not pairs:
        return Check(ID, TITLE, "not_run", needs="which layer gives which of the outputs")
    judged = [(pair, *_fault(run, _seen_through(run, pair))) for pair in pairs]
    pair, fault, text = next((one for one in judged if one[1]), judged[0])
    if not fault:
        fault, text = beyond_the_loss(run, pair) or (fault, text)
    evidence = (Evidence(text, source=SOURCE, layers=(pair.output.path,)),)
    signs = (("output", pair.output.path),)
    if not fault:
        return Check(ID, TITLE, "not_found", evidence, signs=signs)
    signs = (("fault", fault), *signs, ("certain", fault in CERTAIN))
    return Check(ID, TITLE, "found", evidence, 0, (pair.output.path,), signs=signs)


def _seen_through(run: Run, pair: Pair) -> Pair:
    """The pair, without an activation that something else lies behind: what the loss gets is known by its values."""
    if gives_predictions(run, pair.output.path, pair.at) is not False:
        return pair
    return replace(pair, output=replace(pair.output, activation="unknown"))


CUT_OFF = ("relu", "relu6")
# Of one unit: logits that spread this far would reach below 0 somewhere.
LEARNED_RANGE = 0.5
# Faults that are wrong whatever the data, rather than a risk.
CERTAIN = {
    "one_unit_softmax",
    "double_probability",
    "logits_as_probabilities",
    "unreachable_targets",
    "class_count",
    "squared_error_for_classes",
    "relative_to_zero",
    "direction_of_one_number",
    "targets_below_logarithm",
    "labels_for_signs",
    "rates_for_logarithms",
    "highest_at_targets",
    "negative_for_logarithm",
    "probabilities_as_logarithms",
    "logits_as_logarithms",
    "outside_the_loss",
}
# Outputs that differ by a hundredth of their size, under a loss that dealing them to others changes by less.
UNLIKE, FEW = 1e-2, 3
# A logarithm of a probability is 0 at most; rounding leaves a little more.
LEAST_ABOVE = 1e-3


def _pairs(run: Run) -> list[Pair]:
    """Of several outputs those whose layer has the output's name; of any other nobody knows which loss it feeds."""
    rows = run.data.of_kind("target").rows
    layers = [run.card.layer(row.own_name) for row in rows]
    cards = loss_cards(run.card, len(rows))
    return [
        Pair(layer, layer.units, loss, at)
        for at, (layer, loss) in enumerate(zip(layers, cards, strict=True))
        if layer is not None and loss.get("name")
    ]


def _fault(run: Run, pair: Pair) -> tuple[str, str]:
    act, units, name, told = pair.output.activation, pair.units, pair.name, pair.told
    logits, corrected = bool(pair.loss.get("from_logits")), bool(pair.loss.get("reads_logits"))
    low, high = value_range(run, "prediction", pair.at)
    if act == "softmax" and units == 1:
        return "one_unit_softmax", (
            f"{told}: a softmax over one unit is always 1, so no prediction can ever differ."
            + (" Keras 3 hides it: the loss falls, the metric does not move." if corrected else "")
        )
    if name in CATEGORICAL and units == 1:
        return "class_count", f"{told}: with one unit there is one class, and its probability is always 1."
    if name in CATEGORICAL and act == "sigmoid":
        return (
            "sigmoid_for_classes",
            f"{told}: classes that exclude each other need softmax; sigmoid scores each alone.",
        )
    if name in BINARY and act == "softmax" and units and units > 1 and pair.at == 0 and _several_labels(run):
        return (
            "softmax_for_labels",
            f"{told}: labels that can hold together need one sigmoid each; softmax lets only one win.",
        )
    if name in CATEGORICAL | BINARY:
        if logits and act in ("softmax", "sigmoid") and not corrected:
            return (
                "double_probability",
                f"{told} with from_logits=True: the {act} is applied twice, which bounds the loss from below.",
            )
        if logits and not corrected and act not in NO_PROBABILITIES and _are_shares(run, low, high, pair):
            return (
                "double_probability",
                f"{told} with from_logits=True, but its predictions all lie between {low:.2g} and {high:.2g}: they are "
                "probabilities already, and bound the loss from below.",
            )
    if name in CATEGORICAL | BINARY or (name in OF_PROBABILITIES and not is_torch(run)):
        inside = act == "linear" and low >= 0 and high <= 1 + 1e-3  # an operation behind the layer keeps them there
        beyond = act in NO_PROBABILITIES or low < 0 or high > 1 + 1e-3
        if not logits and act not in PROBABILITIES and beyond and not inside:
            seen = f" Predictions run from {low:.3g} to {high:.3g}." if np.isfinite([low, high]).all() else ""
            return "logits_as_probabilities", f"{told} as probabilities, but nothing keeps them between 0 and 1.{seen}"
        if logits and act in CUT_OFF:
            return "logits_cut_off", (
                f"{told}: {act} cuts off every logit below 0, so no class can be told to be unlikely, and one whose "
                "unit falls silent has no gradient any more."
            )
    if name in OF_LOGARITHMS and is_torch(run) and high > LEAST_ABOVE:
        if _are_shares(run, low, high, pair) or (low >= 0 and high <= 1 + 1e-6):
            return "probabilities_as_logarithms", (
                f"{told}, which takes logarithms of probabilities; these are probabilities, {low:.2g} … {high:.2g}."
            )
        return "logits_as_logarithms", (
            f"{told}, which takes logarithms of probabilities, 0 at most; these run from {low:.3g} to {high:.3g}."
        )
    if name in RELATIVE:
        target_low, target_high = value_range(run, "target", pair.at)
        if target_low <= 0 <= target_high:
            return "relative_to_zero", (
                f"{told}: it divides by the target, and targets run from {target_low:.4g} to {target_high:.4g}, "
                "through 0: the smallest ones are all that counts."
            )
    if is_torch(run) and _takes_signs(run, pair) and value_range(run, "target", pair.at) == (0.0, 1.0):
        return "labels_for_signs", (
            f"{told}, which takes labels -1 and 1, and every target is 0 or 1: what is multiplied by 0 counts for "
            "nothing."
        )
    if name in LOGARITHMIC and is_torch(run) and logits and act in NEVER_NEGATIVE and _mostly_below_one(run, pair):
        return "rates_for_logarithms", (
            f"{told} with log_input=True, so its outputs are logarithms; {act} keeps them at 0 or above, and rates "
            "below 1 cannot be given."
        )
    if name in OF_ANGLES and units == 1 and pair.at == 0:
        return "direction_of_one_number", (
            f"{told}, which compares directions: of a single number only the sign counts, and its slope is 0."
        )
    if name in SQUARED_LOGARITHMS:
        target_low, _ = value_range(run, "target", pair.at)
        if target_low < 0:
            return "targets_below_logarithm", (
                f"{told}, which takes the logarithm of targets and outputs and sets what is below 0 to 0; targets go "
                f"down to {target_low:.4g}."
            )
    if name in LOGARITHMIC and not is_torch(run) and low < 0:
        return "negative_for_logarithm", (
            f"{told}: it takes the logarithm of a prediction, and predictions go down to {low:.3g}, which has none."
        )
    if name in DISTANCES:
        return regression(run, pair)
    if is_turned_round(run, pair):
        return "highest_at_targets", (
            f"{told}, and outputs equal to the targets score higher than these, than the same dealt to other examples "
            "and than a constant one: what is minimised is how right they are."
        )
    if name not in CATEGORICAL | BINARY and asks_for_its_targets(run):
        return unreachable(run, pair) or ("", f"{told}: they fit.")
    return "", f"{told}: they fit."


def _mostly_below_one(run: Run, pair: Pair) -> bool:
    """Whether the mean target is below 1: so is the rate of most examples then."""
    table = run.data.of_kind("target") if run.data is not None else None
    if table is None or len(table.rows) <= pair.at or not table.has("mean"):
        return False
    means = table.column("mean")[:, pair.at].astype(np.float64)
    return bool(np.isfinite(means).any() and np.nanmean(means) < 1)


def _takes_signs(run: Run, pair: Pair) -> bool:
    """Whether labels are to be -1 and 1: by the loss's name, or a hinge that no output's place in the batch changes."""
    if pair.name in OF_SIGNS:
        return True
    table = run.data.of_kind("prediction") if run.data is not None else None
    if "hinge" not in pair.name or table is None or len(table.rows) <= pair.at:
        return False
    if not (table.has("loss_shuffled_change") and table.has("diversity")):
        return False
    change, differ = (late(table).column(c)[:, pair.at] for c in ("loss_shuffled_change", "diversity"))
    known = np.isfinite(change) & (differ > UNLIKE)
    return bool(known.sum() >= FEW and np.median(change[known]) < UNLIKE)


def _are_shares(run: Run, low: float, high: float, pair: Pair) -> bool:
    """Whether predictions of several classes stay within 0 … 1 and add up to 1, which logits do not."""
    if not (low >= 0 and high <= 1 + 1e-6 and run.data is not None):
        return False
    table = run.data.of_kind("prediction")
    known = len(table.rows) > pair.at and table.has("mean")
    means = table.column("mean")[:, pair.at].astype(np.float64) if known else np.array([])
    means = means[np.isfinite(means)]
    units = pair.units
    one_each = units is not None and units > 1 and len(means) > 0 and np.abs(means * units - 1).max() < 1e-3
    return bool(one_each or (units == 1 and high - low > LEARNED_RANGE))


def _several_labels(run: Run) -> bool:
    targets = known_targets(run)
    return targets is not None and bool(abs(pooled_mean(targets).sum() - 1) > 0.02)
