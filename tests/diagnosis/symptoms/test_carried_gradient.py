from dataclasses import replace

import asked_losses as a
import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.carried_gradient import check
from tb_lossdiag.run import Row, Run


def carrying(values, **more) -> Run:
    run = s.healthy()
    return replace(run, steps={**run.steps, **a.sampled(gradient_carried=values, **more)})


def test_steps_that_begin_with_earlier_gradients_are_found():
    carried = np.linspace(0, 3, len(a.STEPS))
    found = check(carrying(carried, gradient_norm=2.0))
    assert found.found and found.sign("share") == 1.0 and found.onset == 2 and found.sign("alone")
    assert "times as large as what was applied" in found.evidence[0].text


@pytest.mark.parametrize("carried", [0.0, np.where(np.arange(len(a.STEPS)) == 0, 5.0, 0.0)])
def test_cleared_gradients_are_sound_and_the_first_step_has_no_say(carried):
    assert check(carrying(carried)).state == "not_found"


def test_now_and_then_is_no_habit():
    some = np.where(np.arange(len(a.STEPS)) % 3 == 0, 1.0, 0.0)
    assert check(carrying(some)).state == "not_found"


def test_several_optimizers_may_leave_each_others_gradients():
    rates = s.with_rows(s.data_table(), (Row("rate:d", "rate"), Row("rate:g", "rate")))
    assert not check(replace(carrying(1.0), data=rates)).sign("alone")


def test_too_few_samples_or_none():
    assert check(s.healthy()).state == "not_run"
    few = {"gradient_carried": a.sampled(x=1.0)["x"].between(1, 2)}
    assert check(replace(s.healthy(), steps=few)).state == "inconclusive"
