from dataclasses import replace

import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.loss_floor import CLIPPED, CLOSE, EXTREME, check
from tb_lossdiag.run import Row, Run, Table

CHANCE = np.log(s.CLASSES)
SOFTMAX = np.log(1 + (s.CLASSES - 1) / np.e)
SIGMOID = 0.75 * np.log(2) + 0.25 * np.log(1 + 1 / np.e)
LOGITS = {"name": "sparse_categorical_crossentropy", "from_logits": True, "reads_logits": False}
PLAIN = {"name": "sparse_categorical_crossentropy", "from_logits": False, "reads_logits": False}
BINARY = {"name": "binary_crossentropy", "from_logits": True, "reads_logits": False}
RARE = s.target_table([0.25])


def late(values, loss=LOGITS, **changes):
    """A loss that falls from 2.5 in the first half and then has these values."""
    values = np.broadcast_to(values, 200)
    return s.healthy(**{"steps": s.loss(np.r_[np.linspace(2.5, 2, 200), values]), "card": s.card(loss=loss), **changes})


def above(floor, noise=0.003):
    """Losses that come close to a floor from above."""
    return floor + np.abs(np.random.default_rng(0).normal(0, noise, 200))


def predictions(extreme_share, low=0.0, high=1.0):
    values = np.array([[[low, high, extreme_share]]], np.float32).repeat(400, axis=0)
    return Table(s.STEPS, (Row("prediction:output", "prediction"),), ("min", "max", "extreme_share"), values)


@pytest.mark.parametrize(("factor", "floor"), [(1.0, "double_softmax"), (1 + 0.8 * CLOSE, "double_softmax"),
                                                (1 + 1.3 * CLOSE, "none"), (1 - 1.3 * CLOSE, "none")])  # fmt: skip
def test_a_second_softmax_is_read_off_the_value_to_one_percent(factor, floor):
    found = check(late(above(SOFTMAX * factor)))
    assert found.sign("floor") == floor
    assert found.state == ("found" if floor != "none" else "not_found")


def test_the_evidence_carries_both_values():
    found = check(late(above(SOFTMAX)))
    assert found.sign("expected") == found.evidence[0].threshold == pytest.approx(1.46115, abs=1e-5)
    assert found.sign("value") == found.evidence[0].value == pytest.approx(1.463, abs=2e-3)
    assert (found.onset, found.evidence[0].steps) == (201, (201, 400))


def test_a_loss_that_only_averages_to_the_floor_goes_below_it():
    assert check(late(SOFTMAX + np.random.default_rng(0).normal(0, 0.05, 200))).sign("floor") == "none"


@pytest.mark.parametrize(("loss", "high", "floor"), [
    (LOGITS, 1.0, "double_softmax"), (LOGITS, 9.0, "none"), (PLAIN, 1.0, "none"), (PLAIN, 0.2319, "double_softmax"),
    ({**LOGITS, "reads_logits": True}, 1.0, "none"),
])  # fmt: skip
def test_the_loss_must_get_probabilities_that_it_squashes_again(loss, high, floor):
    found = check(late(above(SOFTMAX), loss, data=s.data_table(prediction={"min": 0.0, "max": high})))
    assert found.sign("floor") == floor


def test_a_second_sigmoid_lies_between_two_floors_as_the_labels_do():
    found = check(late(above(SIGMOID), BINARY, targets=RARE))
    assert (found.state, found.sign("floor")) == ("found", "double_sigmoid")
    assert found.sign("expected") == pytest.approx(SIGMOID)
    assert check(late(above(SIGMOID * 1.03), BINARY, targets=RARE)).sign("floor") == "none"
    assert check(late(above(SIGMOID), {**BINARY, "from_logits": False}, targets=RARE)).sign("floor") == "none"
    assert check(late(above(SIGMOID), BINARY, targets=RARE, data=None)).sign("floor") == "none"


@pytest.mark.parametrize(("share", "loss", "floor"), [
    (EXTREME + 0.01, 5.7, "clipped"), (EXTREME - 0.01, 5.7, "none"), (1.0, 0.6, "clipped"), (1.0, 0.4, "none"),
    (1.0, 15.9, "clipped"), (1.0, 17.0, "none"), (np.nan, 5.7, "none"),
])  # fmt: skip
def test_a_clipped_loss_counts_its_wrong_answers(share, loss, floor):
    found = check(late(above(loss, 0.05 * loss) * 0.96, PLAIN, data=predictions(share)))
    assert found.sign("floor") == floor


def test_the_accuracy_tells_which_clip_it_was():
    accuracy = {"accuracy": s.series([0.1, 1 - 5.7 / CLIPPED[1]], np.array([200, 400]))}
    run = late(above(5.7), PLAIN, data=predictions(1.0))
    assert "35% wrong answers at 16.12 each" in check(run).evidence[0].text
    assert "36% wrong answers at 15.94 each" in check(replace(run, epochs=accuracy)).evidence[0].text


@pytest.mark.parametrize("loss", [LOGITS, {**PLAIN, "reads_logits": True}, {"name": "mse"}])
def test_a_loss_that_reads_logits_or_is_no_cross_entropy_is_not_clipped(loss):
    assert check(late(above(5.7), loss, data=predictions(1.0))).sign("floor") != "clipped"


def test_logs_that_do_not_know_how_extreme_predictions_are_say_nothing_of_clipping():
    assert check(late(above(5.7), PLAIN)).sign("floor") == "none"
    assert check(late(above(5.7), PLAIN, data=None)).sign("floor") == "none"


@pytest.mark.parametrize(("value", "floor"), [(0.0, "zero"), (1.7, "frozen")])
def test_a_loss_that_is_the_same_at_every_step_looks_at_nothing(value, floor):
    for run in (late(value), late(value, card=None, targets=None, data=None), s.healthy(steps=s.loss([value] * 400))):
        found = check(run)
        assert (found.state, found.sign("floor"), found.sign("value")) == ("found", floor, value)


@pytest.mark.parametrize("value", [0.0, 0.3])
def test_a_loss_that_came_there_little_by_little_has_converged(value):
    values = value + np.where(np.arange(400) < 180, 2 * np.exp(-np.arange(400) / 20), 0)
    assert check(s.healthy(steps=s.loss(values))).state == "not_found"


def test_two_values_are_not_frozen():
    assert check(late(np.tile([1.7, 1.7001], 100))).sign("floor") == "none"


def test_a_constant_guess_is_for_the_skill_to_judge():
    found = check(late(s.flat(CHANCE)[:200]))
    assert (found.state, found.sign("floor")) == ("not_found", "label_entropy")
    assert found.sign("expected") == pytest.approx(CHANCE)


def test_a_loss_that_moves_has_no_floor():
    found = check(late(SOFTMAX * np.linspace(1.2, 0.8, 200)))
    assert (found.state, found.sign("floor")) == ("not_found", "none")


def test_healthy_runs_of_every_make_rest_on_no_faulty_floor():
    for run in s.healthy_runs(50):
        assert check(run).state != "found"


def test_epoch_means_serve_where_steps_are_missing():
    assert check(Run("epochs", epochs=s.epochs(loss=np.zeros(10)))).sign("floor") == "zero"


@pytest.mark.parametrize("values", [[], [1.0], np.zeros(20), np.full(400, np.nan), np.full(400, np.inf)])
def test_too_few_finite_losses_decide_nothing(values):
    found = check(s.healthy(steps={"loss": s.series(np.asarray(values))}))
    assert found.state in ("inconclusive", "not_run") and found.needs


@pytest.mark.parametrize("value", [-1.0, 1e99, 1e308, 5e-324])
def test_losses_of_any_size_are_read(value):
    assert check(late(value)).state in ("found", "inconclusive", "not_found")


def test_without_a_loss_there_is_nothing_to_look_at():
    assert check(s.healthy(steps={})).state == "not_run"
