"""What a fix writes: code that parses, in the user's own names and numbers, out of which no name can break."""

import ast
import io
import tokenize
from dataclasses import replace

import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis import fixes
from tb_lossdiag.diagnosis.causes import CANDIDATES
from tb_lossdiag.diagnosis.clues import Findings
from tb_lossdiag.diagnosis.report import Check
from tb_lossdiag.diagnosis.symptoms import SYMPTOMS
from tb_lossdiag.run import LayerCard, ModelCard, Run

HOSTILE = [
    "x\nimport os",
    "x\r__import__('os')",
    "'; __import__('os'); '",
    '"""',
    "back\\slash\\",
    "x\u2028y\x85z",
    "# not a comment",
    "{name}",
    "",
]
# The checks that lead to these are found only where there is a card.
NEED_CARD = {fixes.pair, fixes.check_labels, fixes.widen, fixes.initialise}


def findings(run: Run, signs=None, layers=()) -> Findings:
    """Every check found something at `layers`, with its signs on this run or those given by check."""
    checks = {}
    for symptom in SYMPTOMS:
        known = dict(symptom.check(run).signs) | (signs or {}).get(symptom.ID, {})
        checks[symptom.ID] = Check(symptom.ID, symptom.TITLE, "found", layers=tuple(layers), signs=tuple(known.items()))
    return Findings(run, checks, "never_learned")


def named(name: str) -> Run:
    """A run in which everything a log may name has this name."""
    layers = tuple(
        LayerCard(f"{name}{i}", name, name if i == 1 else "sigmoid", {}, (), 8, 72, False, {"rate": 0.9})
        for i in range(4)
    )
    card = s.card(layers=layers, loss={"name": name}, optimizer={"name": name, "config": {"momentum": name}})
    return s.stuck(card=card)


def layer_names(run: Run) -> list[str]:
    return [layer.path for layer in run.card.layers]


def safe(code: str) -> bool:
    """Nothing in the code but what we wrote: no import, no name that holds two underscores."""
    names = {
        token.string for token in tokenize.generate_tokens(io.StringIO(code).readline) if token.type == tokenize.NAME
    }
    return not names & {"import", "os", "__import__"}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_inside_strings_and_comments(name):
    run = named(name)
    for signs in ({}, {"loss_pairing": {"output": name, "fault": name}}):
        f = findings(run, signs, layer_names(run))
        for candidate in CANDIDATES:
            code = candidate.fix(f).code
            ast.parse(code)
            assert safe(code), candidate.id


@pytest.mark.parametrize(
    "run", [s.stuck(), s.stuck(card=s.card(optimizer={}, loss={})), s.stuck(card=None), Run("empty")]
)
def test_every_fix_is_a_sentence_and_code_that_parses(run):
    f = findings(run)
    for candidate in CANDIDATES:
        if run.card is not None or candidate.fix not in NEED_CARD:
            fix = candidate.fix(f)
            ast.parse(fix.code)
            assert fix.text == "" or fix.text.endswith("."), candidate.id


@pytest.mark.parametrize("fault", [
    "one_unit_softmax", "sigmoid_for_classes", "class_count", "softmax_for_labels", "double_probability",
    "logits_as_probabilities", "unreachable_targets", "squared_error_for_labels", "logits_cut_off",
])  # fmt: skip
@pytest.mark.parametrize("high", [1.0, 9.0, np.nan, np.inf])
def test_every_faulty_pair_ends_in_one_compile_call(fault, high):
    run = s.stuck(data=s.data_table(target={"max": high}))
    *_, compile_call = ast.parse(
        fixes.pair(findings(run, {"loss_pairing": {"fault": fault, "output": "output"}})).code
    ).body
    assert compile_call.value.func.attr == "compile"


ACTIVATED = "model.get_layer('output').activation = keras.activations.get({!r})\n"
HEAD = "keras.layers.Dense({})(model.get_layer('output').input))\n"


@pytest.mark.parametrize(("fault", "loss", "activation", "units", "high", "mended", "compiled"), [
    ("one_unit_softmax", "binary_crossentropy", "softmax", 1, 1, ACTIVATED.format("sigmoid"), "'binary_crossentropy'"),
    ("one_unit_softmax", "mse", "softmax", 1, 1, ACTIVATED.format("sigmoid"), "'binary_crossentropy'"),
    ("one_unit_softmax", "mse", "softmax", 1, 50, ACTIVATED.format("linear"), "'mse'"),
    ("one_unit_softmax", "mse", "softmax", 1, 0.5, ACTIVATED.format("linear"), "'mse'"),
    ("one_unit_softmax", "categorical_crossentropy", "softmax", 1, 9, HEAD.format("10, activation='softmax'"),
     "'sparse_categorical_crossentropy'"),
    ("class_count", "sparse_categorical_crossentropy", "sigmoid", 1, 4, HEAD.format("5, activation='softmax'"),
     "'sparse_categorical_crossentropy'"),
    ("class_count", "categorical_crossentropy", None, 1, 1, ACTIVATED.format("sigmoid"), "'binary_crossentropy'"),
    ("sigmoid_for_classes", "CategoricalCrossentropy", "sigmoid", 10, 1, ACTIVATED.format("softmax"),
     "'categorical_crossentropy'"),
    ("softmax_for_labels", "binary_crossentropy", "softmax", 3, 1, ACTIVATED.format("sigmoid"),
     "'binary_crossentropy'"),
    ("double_probability", "binary_crossentropy", "sigmoid", 1, 1, "", "'binary_crossentropy'"),
    ("double_probability", "sparse_categorical_crossentropy", "softmax", 10, 9, "",
     "'sparse_categorical_crossentropy'"),
    ("logits_as_probabilities", "binary_crossentropy", None, 1, 1, ACTIVATED.format("sigmoid"),
     "'binary_crossentropy'"),
    ("unreachable_targets", "mse", "relu", 1, 900, ACTIVATED.format("linear"), "'mse'"),
    ("squared_error_for_labels", "mse", "sigmoid", 3, 1, "", "'binary_crossentropy'"),
    ("logits_cut_off", "sparse_categorical_crossentropy", "relu", 10, 9, ACTIVATED.format("linear"),
     "'sparse_categorical_crossentropy'"),
])  # fmt: skip
def test_a_pair_is_mended_to_what_belongs_together(fault, loss, activation, units, high, mended, compiled):
    card = s.with_layer(s.card(loss={"name": loss}), "output", units=units, activation=activation)
    run = s.stuck(card=card, data=s.data_table(target={"min": 0.0, "max": high}))
    code = fixes.pair(findings(run, {"loss_pairing": {"fault": fault, "output": "output"}})).code
    assert mended in code and code.endswith(f"loss={compiled})")
    assert ("get_layer" in code) == bool(mended)


def test_a_rate_is_lowered_towards_the_usual_update_ratio():
    run = s.stuck(card=s.card(optimizer={"name": "SGD", "config": {"learning_rate": 1.0, "momentum": 0.9}}),
                  steps={"loss": s.series(s.flat())})  # fmt: skip
    fix = fixes.lower_learning_rate(findings(run, {"update_ratio": {"early": 0.1}}))
    assert "from 1 to about 0.01" in fix.text
    assert "optimizer=keras.optimizers.SGD(learning_rate=0.01, momentum=0.9)" in fix.code


@pytest.mark.parametrize("early", [0.0, np.nan, np.inf, 1e-30, 1e30])
def test_a_lowered_rate_is_always_lower(early):
    code = fixes.lower_learning_rate(findings(s.stuck(), {"update_ratio": {"early": early}})).code
    assert 0 < _rate(code) <= 1e-4


@pytest.mark.parametrize("late", [0.0, np.nan, 1e-30, 1e-5])
def test_a_raised_rate_is_higher_and_still_usual(late):
    code = fixes.raise_learning_rate(findings(s.stuck(), {"update_ratio": {"late": late}})).code
    assert 1e-3 < _rate(code) <= 0.03


def test_a_loss_from_logits_stays_one():
    run = s.stuck(card=s.card(loss={"name": "SparseCategoricalCrossentropy", "from_logits": True}))
    code = fixes.lower_learning_rate(findings(run)).code
    assert code.endswith("loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))")


def test_dead_layers_get_another_activation_and_fresh_weights():
    code = fixes.leak(findings(s.stuck(), layers=["hidden_1", "no such layer"])).code
    loop, compile_call = ast.parse(code).body
    assert ast.unparse(loop) == (
        "for layer in (model.get_layer('hidden_1'),):\n"
        "    layer.activation = keras.activations.get('leaky_relu')\n"
        "    layer.kernel.assign(keras.initializers.HeNormal()(layer.kernel.shape))"
    )
    assert compile_call.value.func.attr == "compile"


def test_a_layer_inside_of_a_layer_is_not_asked_of_it():
    inner = LayerCard("attention/query", "EinsumDense", "linear", units=8, settings={"kernel_std": 0.1})
    card = s.card(layers=(inner, LayerCard("attention", "MultiHeadAttention"), *s.card().layers))
    code = fixes.initialise(findings(s.stuck(card=card), layers=["attention/query", "hidden_1"])).code
    assert "query" not in code and "model.get_layer('hidden_1')" in code


def test_frozen_layers_are_named():
    code = fixes.unfreeze(findings(s.stuck(), layers=["block/dense"])).code
    assert "model.get_layer('block').get_layer('dense').trainable = True" in code


def labels(low, high, values=None, loss="sparse_categorical_crossentropy", units=10, shares=None):
    """The fix of labels out of range, and what it makes of these values."""
    card = s.with_layer(s.card(loss={"name": loss}), "output", units=units)
    targets = s.target_table(*shares) if shares else s.target_table()
    signs = {"targets": {"level": "out_of_range", "min": float(low), "max": float(high)}}
    fix = fixes.check_labels(findings(s.stuck(card=card, targets=targets), signs))
    user = {"y": np.asarray(values), "np": np}
    exec("\n".join(line for line in fix.code.splitlines() if line.startswith(("y =", "mean"))), user)
    return fix, user["y"]


def test_labels_that_start_at_one_are_shifted():
    fix, y = labels(1, 10, np.arange(1, 11))
    assert fix.text == "Labels must run from 0 to 9." and y.tolist() == list(range(10)) and "Dense" not in fix.code


def test_more_labels_than_units_get_a_unit_each():
    fix, y = labels(0, 10, np.arange(11))
    assert "11 classes" in fix.text and "Dense(11, activation='softmax')" in fix.code and y.tolist() == list(range(11))


@pytest.mark.parametrize(("low", "high"), [(-1, 1), (0, 255), (1, 2)])
def test_two_values_that_mean_no_and_yes_become_zero_and_one(low, high):
    share, values = 0.25, np.array([high, low, low, low], float)
    shares = ([low + share * (high - low)], [(high - low) * np.sqrt(share * (1 - share))])
    _, y = labels(low, high, values, "binary_crossentropy", 1, shares)
    assert y.tolist() == [1, 0, 0, 0]


def test_prices_under_a_loss_of_labels_are_fitted_as_numbers_and_never_made_labels():
    values = np.exp(np.linspace(2, 12, 50))[:, None]
    fix, y = labels(values.min(), values.max(), values, "binary_crossentropy", 1, ([values.mean()], [values.std()]))
    assert len(np.unique(y)) == 50 and abs(y.mean()) < 1e-9 and "loss='mse'" in fix.code
    assert "model.get_layer('output').activation = keras.activations.get('linear')" in fix.code


def test_classes_under_a_loss_of_yes_and_no_get_a_unit_each():
    fix, y = labels(0, 4, np.arange(5.0), "binary_crossentropy", 1, ([2.0], [np.sqrt(2)]))
    assert "5 classes" in fix.text and "Dense(5, activation='softmax')" in fix.code and y.tolist() == list(range(5))


def nonfinite(per_batch, kind="input"):
    """The fix of so many NaN in each recorded batch of 32."""
    table = s.data_table(**{kind: {"nonfinite": per_batch}})
    return fixes.drop_nonfinite(findings(s.stuck(data=table), {"nonfinite": {"place": kind}}))


@pytest.mark.parametrize("per_batch", [32, 320, 32 * 64])
def test_no_row_is_left_out_where_every_row_has_nan(per_batch):
    fix = nonfinite(per_batch)
    assert "[good]" not in fix.code and "filled(0)" in fix.code and "guard the division" in fix.text


@pytest.mark.parametrize("kind", ["input", "target"])
def test_a_few_rows_with_nan_are_left_out(kind):
    assert "x, y = x[good], y[good]" in nonfinite(1, kind).code


def test_many_rows_with_nan_are_filled_and_many_targets_are_looked_at():
    assert "filled(0)" in nonfinite(20).code and "[good]" not in nonfinite(20, "target").code


def set_by(name, **config):
    return s.stuck(card=s.card(settings={"callbacks": [{"name": name, "config": config}]}))


def test_a_plateau_that_took_the_rate_to_nothing_is_told_to_wait():
    fix = fixes.set_learning_rate(findings(set_by("ReduceLROnPlateau", monitor="loss", patience=2, min_delta=0.04)))
    assert "ReduceLROnPlateau" in fix.text and "patience=2, min_delta=0.04" in fix.text
    assert (
        "keras.callbacks.ReduceLROnPlateau('loss', factor=0.5, patience=10, min_delta=0.0001, min_lr=1e-05)" in fix.code
    )


@pytest.mark.parametrize("fix", [fixes.lower_learning_rate, fixes.raise_learning_rate, fixes.set_learning_rate])
def test_a_rate_that_a_callback_sets_is_changed_there(fix):
    made = fix(findings(set_by("LearningRateScheduler")))
    assert "LearningRateScheduler" in made.text and "LearningRateScheduler(lambda epoch, rate:" in made.code
    assert "compile" not in made.code


def test_a_callback_that_sets_no_rate_changes_nothing():
    assert "model.compile" in fixes.set_learning_rate(findings(set_by("EarlyStopping"))).code


def test_a_gradient_is_clipped_near_its_ninetieth_percentile():
    norms = {"loss": s.series(s.flat()), "gradient_norm": s.series(np.r_[np.full(380, 0.2), np.full(20, 9.0)])}
    assert "global_clipnorm=0.2" in fixes.clip(findings(s.stuck(steps=norms))).code
    assert "global_clipnorm=1" in fixes.clip(findings(s.stuck(steps={"gradient_norm": s.series([np.nan])}))).code


def test_an_optimizer_that_cannot_be_a_name_is_left_out():
    run = s.stuck(card=ModelCard(optimizer={"name": "lambda"}))
    assert "keras.optimizers.Adam(" in fixes.set_learning_rate(findings(run)).code


def _rate(code: str) -> float:
    optimizer = ast.parse(code).body[0].value.keywords[0].value
    return ast.literal_eval(optimizer.keywords[0].value)


def test_rare_classes_get_the_weight_that_balances_them():
    run = s.stuck(targets=s.target_table([0.04]))
    assert "class_weight={0: 0.52, 1: 13}" in fixes.weigh_classes(findings(run)).code
    assert "np.bincount" in fixes.weigh_classes(findings(s.stuck())).code


def test_clipping_is_loosened_to_the_users_own_norms():
    norms = {"gradient_norm": s.series(np.linspace(1, 10, 400))}
    run = s.stuck(
        steps=norms, card=s.card(optimizer={"name": "SGD", "config": {"learning_rate": 0.1, "momentum": 0.9}})
    )
    assert "SGD(learning_rate=0.1, momentum=0.9, global_clipnorm=9)" in fixes.loosen_clipping(findings(run)).code


def test_a_penalty_is_weakened_by_what_it_weighs_too_much():
    penalised = {"kernel_regularizer": {"class_name": "L2", "config": {"l2": 1.0}}}
    run = s.stuck(card=s.with_layer(s.card(), "hidden_1", penalised))
    fix = fixes.lighten_penalty(findings(run, {"penalty_share": {"share_end": 0.95}}))
    wanted = "model.get_layer('hidden_1').kernel.regularizer = keras.regularizers.L2(0.003)  # was 1"
    assert wanted in fix.code and "380 times weaker" in fix.text


def test_a_decaying_rate_spans_the_planned_steps():
    code = fixes.decay_rate(findings(s.stuck())).code
    assert "CosineDecay(0.001, decay_steps=400)" in code and "Adam(learning_rate=rate)" in code


@pytest.mark.parametrize(
    ("precision", "wanted"), [("mixed_float16", "LossScaleOptimizer("), ("bfloat16", "'dtype': 'float32'")]
)
def test_low_precision_is_raised_where_it_hurts(precision, wanted):
    assert wanted in fixes.raise_precision(findings(s.stuck(card=s.card(precision=precision)))).code


@pytest.mark.parametrize(("fault", "metric"), [
    ("accuracy_for_regression", "'mae'"), ("accuracy_on_logits", "threshold=0.0"), ("accuracy_on_imbalance", "Recall"),
])  # fmt: skip
def test_a_metric_is_replaced_by_one_that_measures_the_problem(fault, metric):
    assert metric in fixes.measure(findings(s.stuck(), {"metric_fit": {"fault": fault}})).code


def test_logits_replace_a_clipped_probability():
    code = fixes.logits(findings(s.stuck())).code
    assert ACTIVATED.format("linear") in code and "SparseCategoricalCrossentropy(from_logits=True)" in code


def test_what_sharpens_the_logits_behind_the_output_layer_is_left_out():
    card = s.card(layers=(*s.card().layers, LayerCard("sharpened", "Lambda", units=10)))
    assert (
        "keras.Model(model.inputs[0], model.get_layer('output').output)"
        in fixes.logits(findings(s.stuck(card=card))).code
    )


def test_a_penalty_that_has_won_is_weakened_by_what_it_weighed_at_first():
    fix = fixes.lighten_penalty(findings(s.stuck(), {"penalty_share": {"share_start": 0.95, "share_end": 0.0}}))
    assert "95% of the loss" in fix.text and "380 times weaker" in fix.text


@pytest.mark.parametrize(
    ("fault", "wanted"), [("unlike_data", "x_val.mean()"), ("moving_statistics", "momentum = 0.9")]
)
def test_evaluation_is_aligned_where_it_went_apart(fault, wanted):
    f = findings(s.stuck(), {"train_eval_gap": {"fault": fault}}, ["hidden_1"])
    assert wanted in fixes.align_evaluation(f).code


@pytest.mark.parametrize(("fault", "wanted"), [
    ("squared_error_for_classes", "'sparse_categorical_crossentropy'"), ("relative_to_zero", "loss='mse'"),
])  # fmt: skip
def test_a_loss_that_cannot_measure_is_replaced(fault, wanted):
    run = s.stuck(card=s.card(loss={"name": "mse"}))
    assert wanted in fixes.pair(findings(run, {"loss_pairing": {"fault": fault, "output": "output"}})).code


def in_torch(run: Run) -> Run:
    return replace(run, card=replace(run.card, framework="torch 2.14"))


@pytest.mark.parametrize("name", [*HOSTILE, "fc1"])
def test_for_a_torch_run_the_code_is_torchs_and_as_safe(name):
    run = in_torch(named(name))
    for signs in ({}, {"loss_pairing": {"output": name, "fault": name}}):
        f = findings(run, signs, layer_names(run))
        for candidate in CANDIDATES:
            code = fixes.written(candidate.fix, f).code
            ast.parse(code)
            assert safe(code) and "keras" not in code and "model.fit" not in code, candidate.id


@pytest.mark.parametrize(("fix", "signs", "code"), [
    (fixes.lower_learning_rate, {"update_ratio": {"early": 0.1}},
     "optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)"),
    (fixes.switch_optimizer, {}, "optimizer = torch.optim.Adam(model.parameters(), lr=0.001)"),
    (fixes.clip, {}, "torch.nn.utils.clip_grad_norm_(model.parameters(), 1)"),
    (fixes.pair, {"loss_pairing": {"fault": "double_probability"}}, "criterion = torch.nn.CrossEntropyLoss()"),
    (fixes.shuffle, {}, "DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=32, shuffle=True)"),
    (fixes.unfreeze, {}, "model.get_submodule('block.fc').requires_grad_(True)"),
])  # fmt: skip
def test_a_torch_fix_has_the_same_numbers_and_names(fix, signs, code):
    card = s.card(optimizer={"name": "SGD", "config": {"learning_rate": 1.0, "momentum": 0.9}})
    run = in_torch(s.stuck(card=card, steps={"loss": s.series(s.flat())}))
    assert code in fixes.written(fix, findings(run, signs, ["block/fc"])).code


def test_a_keras_run_keeps_its_code():
    f = findings(s.stuck())
    assert fixes.written(fixes.normalise, f) == fixes.normalise(f)


@pytest.mark.parametrize("fix", [fixes.lower_learning_rate, fixes.switch_optimizer, fixes.decay_rate, fixes.clip])
def test_of_several_optimizers_none_is_taken_for_the_one_that_compile_is_given(fix):
    optimizer = {"name": "Adam", "config": {"learning_rate": 0.1}, "others": [{"name": "SGD", "config": {}}]}
    made = fix(findings(s.stuck(card=s.card(optimizer=optimizer))))
    assert made.text and made.code == ""


@pytest.mark.parametrize(("fault", "loss", "wanted"), [
    ("relative_to_zero", "mape", "keras.losses.MeanSquaredError()"),
    ("squared_error_for_labels", "mse", "keras.losses.BinaryCrossentropy()"),
    ("squared_error_for_classes", "mse", "keras.losses.SparseCategoricalCrossentropy()"),
])  # fmt: skip
def test_a_loop_of_ones_own_gets_a_loss_that_is_a_mean_over_the_batch(fault, loss, wanted):
    run = s.stuck(card=s.card(loss={"name": loss}, epochs=None))
    code = fixes.pair(findings(run, {"loss_pairing": {"fault": fault, "output": "output"}})).code
    assert f"loss_fn = {wanted}" in code and "compile" not in code
