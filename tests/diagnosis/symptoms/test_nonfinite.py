from dataclasses import replace

import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis import diagnose_run
from tb_lossdiag.diagnosis.symptoms.nonfinite import CALM, check
from tb_lossdiag.run import Event, Row, Run, Table


def loss_with(value, at):
    values = s.flat()
    values[at:] = value
    return s.loss(values)


def nan_in(kind, from_step):
    """A data table whose row of this kind counts NaN values from a step on."""
    table = s.data_table()
    values = table.values.copy()
    row = [row.kind for row in table.rows].index(kind)
    values[table.steps >= from_step, row, table.columns.index("nonfinite")] = 3.0
    return type(table)(table.steps, table.rows, table.columns, values)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_loss_that_is_not_finite_is_found_at_its_step(value):
    found = check(s.healthy(steps=loss_with(value, at=100)))
    assert (found.state, found.onset, found.sign("place")) == ("found", 101, "loss")
    assert found.evidence[0].text == "The first NaN or Inf is in the loss, at step 101."


def test_the_earliest_step_wins():
    table = s.with_column(s.layer_table(), "gradient_nonfinite", 2.0, ["hidden_2/kernel"], from_step=12)
    found = check(s.healthy(layers=table, steps=loss_with(np.nan, at=100)))
    assert (found.onset, found.sign("place"), found.layers) == (12, "gradient", ("hidden_2/kernel",))


def test_within_a_step_the_data_flow_decides():
    table = s.with_column(s.layer_table(), "gradient_nonfinite", 2.0, from_step=12)
    table = s.with_column(table, "activation_nonfinite", 2.0, ["hidden_2"], from_step=12)
    run = s.healthy(layers=table, steps=loss_with(np.nan, at=11))
    assert check(run).sign("place") == "activation"
    found = check(replace(run, data=nan_in("input", 12)))
    assert (found.sign("place"), found.layers) == ("input", ("input:x",))
    assert "is in 'input:x', at step 12" in found.evidence[0].text


def with_terms(values):
    """A data table of two terms of a loss, at steps 10 and 20; values: [steps, terms]."""
    rows = (Row("loss:kind_loss", "loss"), Row("loss:kl_loss", "loss"))
    values = np.array(values, np.float32)
    both = np.stack([values, ~np.isfinite(values)], axis=2)
    return Table(np.array([10, 20]), rows, ("mean", "nonfinite"), both)


def test_the_term_that_broke_the_loss_is_named():
    run = s.healthy(data=with_terms([[0.5, 3e5], [0.4, np.nan]]), steps=loss_with(np.nan, at=19))
    found = check(run)
    assert (found.onset, found.sign("place"), found.layers) == (20, "loss", ("loss:kl_loss",))
    told = [evidence.text for evidence in found.evidence]
    assert told[0] == "The first NaN or Inf is in the loss's term 'kl_loss', at step 20."
    assert told[-1] == "The loss's terms there: kind_loss 0.4, kl_loss nan."


def test_a_term_that_is_not_finite_breaks_nothing_where_the_loss_is():
    found = check(s.healthy(data=with_terms([[0.5, np.nan], [0.4, 1.0]])))
    assert found.state == "not_found"


def test_where_the_loss_breaks_between_two_samples_its_terms_before_are_told():
    run = s.healthy(data=with_terms([[0.5, 3e5], [np.nan, np.nan]]), steps=loss_with(np.nan, at=14))
    told = [evidence.text for evidence in check(run).evidence]
    assert told[0] == "The first NaN or Inf is in the loss, at step 15."
    assert told[-1] == "The loss's terms at step 10, the last sampled before it: kind_loss 0.5, kl_loss 3e+05."


def test_a_nan_target_comes_before_the_loss_it_breaks():
    assert check(s.healthy(data=nan_in("target", 1), steps=loss_with(np.nan, at=0))).sign("place") == "target"


def test_gradients_that_overflow_under_loss_scaling_are_no_finding():
    table = s.with_column(s.layer_table(), "gradient_nonfinite", 2.0)
    scaled = s.card(optimizer={"name": "Adam", "config": {}, "loss_scale": True})
    assert check(s.healthy(layers=table)).state == "found"
    assert check(s.healthy(layers=table, card=scaled)).state == "not_found"


def test_epoch_losses_serve_where_steps_are_missing():
    found = check(Run("epochs", epochs=s.epochs(loss=[2.0, 1.0, np.nan])))
    assert (found.state, found.onset) == ("found", 60)


def test_a_count_that_is_itself_not_finite_is_no_count():
    table = s.with_column(s.layer_table(), "gradient_nonfinite", np.nan)
    assert check(s.healthy(layers=table)).state == "not_found"


def test_finite_everywhere_is_not_found():
    assert check(s.healthy()).state == "not_found"


def accident(losses, reason="nonfinite"):
    return Event(12, "accident", {"reason": reason, "losses": losses})


def broken(*events):
    loss = s.flat()
    loss[11:] = np.nan
    return s.healthy(steps={"loss": s.series(loss)}, events=events)


def test_the_losses_before_it_are_told_where_the_log_kept_them():
    losses = [[step, float(step)] for step in range(1, 12)] + [[12, float("nan")]]
    _, before = check(broken(accident(losses))).evidence
    assert before.text == "The losses before it: 7, 8, 9, 10, 11."
    assert (before.value, before.steps) == (11.0, (7, 11))


@pytest.mark.parametrize("event", [
    accident([[1, 2.0]], "leap"), accident("losses"), accident([1, None, [1], ["a", "b"], [1, "2"]]), accident([]),
    Event(12, "accident", {}), Event(12, "mark", {"losses": [[1, 2.0]]}),
])  # fmt: skip
def test_other_events_tell_nothing_about_it(event):
    assert len(check(broken(event)).evidence) == 1


@pytest.mark.parametrize(("times", "sudden"), [(1.0, True), (CALM * 0.9, True), (CALM * 1.2, False), (1e30, False)])
def test_it_is_sudden_where_the_loss_had_not_grown(times, sudden):
    values = s.flat(noise=0.0)
    values[99] *= times
    values[100:] = np.nan
    found = check(s.healthy(steps=s.loss(values)))
    assert found.sign("sudden") is sudden


def test_gradients_that_had_grown_announce_it():
    norms = np.full(len(s.STEPS), 0.3)
    norms[95:100] = 50.0
    norms[100:] = np.nan
    steps = {**loss_with(np.nan, at=100), "gradient_norm": s.series(norms)}
    assert check(s.healthy(steps=steps)).sign("sudden") is False


def test_a_break_at_the_first_step_is_sudden():
    assert check(s.healthy(steps=loss_with(np.nan, at=0))).sign("sudden") is True


SEARCHED = Event(400, "search", {"steps": 300, "found": False})
BROKEN = {"loss in the middle": 100, "loss at the first step": 0}


@pytest.mark.parametrize("at", BROKEN.values(), ids=BROKEN)
def test_a_loss_that_breaks_from_one_step_to_the_next_has_an_operation_without_a_value(at):
    first = diagnose_run(s.healthy(steps=loss_with(np.nan, at=at), epochs={}, events=(SEARCHED,))).first
    assert (first.id, first.severity) == ("exploding_gradients", "critical") and "away from 0" in first.fix.text
    assert any("nothing has overflowed" in one.text for one in first.evidence_for)


def test_where_nobody_saw_the_batch_the_data_may_be_to_blame_as_well_as_an_operation():
    report = diagnose_run(s.healthy(steps=loss_with(np.nan, at=105), epochs={}))
    told = {one.id: one for one in report.causes}
    assert {told[name].confidence for name in ("nonfinite_inputs", "exploding_gradients")} == {"possible"}
    assert report.first.id == "nonfinite_inputs" and report.severity == "warning"


def test_a_batch_with_a_nan_that_comes_again_explains_the_one_that_nobody_saw():
    found = check(s.healthy(data=nan_in("input", 200), steps=loss_with(np.nan, at=105)))
    assert (found.onset, found.sign("place"), found.sign("data_known")) == (106, "input", True)
    assert "so did, unseen, the batch of step 106" in found.evidence[0].text


def test_that_all_batches_were_looked_into_is_told():
    found = check(s.healthy(steps=loss_with(np.nan, at=105), events=(SEARCHED,)))
    assert found.sign("data_known") and "300 batches were looked into" in found.evidence[-1].text


def test_a_derivative_that_is_nan_under_a_finite_loss_is_one_too():
    table = s.with_column(s.layer_table(), "gradient_nonfinite", 2.0, from_step=12)
    run = s.healthy(layers=table, steps=loss_with(np.nan, at=12), epochs={})
    assert diagnose_run(run).first.id == "exploding_gradients"


OTHERWISE = {
    "a rate far above the usual": {"steps": {**loss_with(np.nan, at=100), "learning_rate": s.series([10.0] * 400)}},
    "float16": {"card": s.card(precision="float16")},
    "raw inputs": {"data": s.data_table(input={"mean": 1e4, "std": 5e3, "min": 0.0, "max": 3e4})},
}


@pytest.mark.parametrize("changes", OTHERWISE.values(), ids=OTHERWISE)
def test_where_something_else_may_have_overflowed_no_operation_is_blamed_for_sure(changes):
    report = diagnose_run(s.healthy(**{"steps": loss_with(np.nan, at=100), "epochs": {}, **changes}))
    told = [one for one in report.causes if one.id == "exploding_gradients"]
    assert all(one.confidence != "likely" for one in told)
