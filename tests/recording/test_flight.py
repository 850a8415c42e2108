"""The flight recorder: accidents are told with what came before, ordinary noise is not."""

import keras
import numpy as np
import pytest

from recording.reading import Records
from recording.small_models import LAYERS, batches
from tb_lossdiag import LossDiagnostics, schema
from tb_lossdiag.recording.cadence import ALARM_EXECUTIONS
from tb_lossdiag.recording.flight import KEPT, LEAP, MAX_ACCIDENTS, FlightRecorder


def flown(losses, first=1):
    """{step: reason} of the accidents."""
    flight = FlightRecorder()
    told = {step: flight.saw(step, loss) for step, loss in enumerate(losses, first)}
    return {step: reason for step, reason in told.items() if reason}, flight


def test_the_first_loss_that_is_not_finite_is_an_accident_and_those_after_it_are_not():
    accidents, flight = flown([*np.linspace(2, 1, 30), np.nan, np.nan, np.inf])
    assert accidents == {31: "nonfinite"}
    assert [step for step, _ in flight.losses()] == list(range(14, 34))


@pytest.mark.parametrize(("factor", "accidents"), [(0.99, {}), (1.01, {31: "leap"})])
def test_a_leap_is_ten_times_the_largest_of_the_last_losses(factor, accidents):
    assert flown([*np.full(29, 0.5), 1.0, factor * LEAP])[0] == accidents


def test_a_leap_needs_losses_to_compare_with_and_waits_after_an_accident():
    assert flown([1.0] * (KEPT - 2) + [1e3])[0] == {}
    assert flown([1.0] * KEPT + [1e3, 1.0] * 5)[0] == {KEPT + 1: "leap"}


def test_one_step_decides_whether_the_second_is_broken():
    assert flown([1.0, np.nan])[0] == {2: "nonfinite"}
    assert flown([np.nan])[0] == {}


def test_a_run_that_breaks_all_the_time_is_told_so_many_times():
    assert len(flown([1.0, np.nan] * 100)[0]) == MAX_ACCIDENTS


def test_a_fit_writes_the_losses_before_a_nan_and_samples_the_next_steps(tmp_path):
    x, y = batches(240)
    x[200] = np.nan
    keras.utils.set_random_seed(0)
    model = keras.Sequential([LAYERS.Input((4,)), LAYERS.Dense(3, "softmax", name="out")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(x, y, batch_size=8, shuffle=False, verbose=0, callbacks=[LossDiagnostics(tmp_path, every=1000)])
    records = Records(tmp_path)
    [accident] = records.events("accident")
    assert (accident["step"], accident["reason"]) == (26, "nonfinite")
    assert [step for step, _ in accident["losses"]] == list(range(7, 27))
    assert np.isnan(accident["losses"][-1][1]) and np.isfinite([loss for _, loss in accident["losses"][:-1]]).all()
    assert records.steps(schema.LAYERS) == [1, *range(27, 27 + ALARM_EXECUTIONS), 30]
