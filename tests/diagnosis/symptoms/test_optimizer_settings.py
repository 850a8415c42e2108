import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.optimizer_settings import (
    DECAY_PER_STEP,
    LARGE_DECAY,
    LARGE_EPSILON,
    SHRINKING_RATE,
    TINY_CLIP,
    check,
)


def optimizer(name="Adam", rate=1e-3, **config):
    card = s.card(optimizer={"name": name, "config": {"learning_rate": rate, "epsilon": 1e-7, **config}})
    return s.with_steps(s.healthy(card=card), learning_rate=rate)


@pytest.mark.parametrize(("run", "fault", "setting"), [
    (optimizer(epsilon=LARGE_EPSILON), "epsilon_large", "epsilon"),
    (optimizer(epsilon=LARGE_EPSILON * 0.99), "none", ""),
    (optimizer("RMSprop", epsilon=1.0), "none", ""),
    (optimizer(clipnorm=TINY_CLIP), "clip_tiny", "clipnorm"),
    (optimizer("SGD", global_clipnorm=1e-5), "clip_tiny", "global_clipnorm"),
    (optimizer(clipvalue=TINY_CLIP * 1.01), "none", ""),
    (optimizer(clipvalue=0.0), "none", ""),
    (optimizer("SGD", 0.1, weight_decay=DECAY_PER_STEP * 10.1), "decay_large", "weight_decay"),
    (optimizer("SGD", 0.1, weight_decay=DECAY_PER_STEP * 9.9), "none", ""),
    (optimizer("AdamW", 1e-5, weight_decay=LARGE_DECAY), "decay_large", "weight_decay"),
    (optimizer("AdamW", 1e-5, weight_decay=LARGE_DECAY * 0.99), "none", ""),
    (optimizer("Lion", 1e-4, weight_decay=1.0), "none", ""),
    (optimizer("Adadelta", SHRINKING_RATE["Adadelta"][0]), "rate_of_another_optimizer", "learning_rate"),
    (optimizer("Adadelta", SHRINKING_RATE["Adadelta"][0] * 1.01), "none", ""),
    (optimizer("Adagrad", SHRINKING_RATE["Adagrad"][0]), "rate_of_another_optimizer", "learning_rate"),
    (optimizer("Adagrad", SHRINKING_RATE["Adagrad"][0] * 1.01), "none", ""),
    (optimizer("RMSprop", 1e-3), "none", ""),
])  # fmt: skip
def test_an_unusual_setting_is_named(run, fault, setting):
    found = check(run)
    assert (found.sign("fault"), found.sign("setting")) == (fault, setting)
    assert (found.state, found.onset) == (("not_found", None) if fault == "none" else ("found", 0))
    if setting:
        assert found.sign("value") == run.card.optimizer["config"][setting] == found.evidence[0].value


@pytest.mark.parametrize("value", [None, "1", True, np.nan, np.inf, -1.0, {"class_name": "CosineDecay"}])
def test_a_setting_that_is_no_usable_number_is_passed_over(value):
    run = optimizer(epsilon=value, clipnorm=value, weight_decay=value)
    assert check(run).state == "not_found"


def test_a_decay_with_an_unknown_rate_is_judged_alone():
    card = s.card(optimizer={"name": "AdamW", "config": {"learning_rate": {"class_name": "X"}, "weight_decay": 0.9}})
    assert check(s.healthy(card=card, steps={})).sign("fault") == "decay_large"


@pytest.mark.parametrize("card", [None, s.card(optimizer={}), s.card(optimizer={"name": "Adam", "config": None})])
def test_without_settings_the_check_asks_for_them(card):
    assert check(s.healthy(card=card)).state == "not_run"


def test_a_damaged_log_does_not_raise():
    for run in s.hostile(optimizer("AdamW", weight_decay=0.1)):
        assert check(run).id == "optimizer_settings"
