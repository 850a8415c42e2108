"""Callbacks that set the rate are on the card, and a change of the rate names the one that made it."""

import keras
import pytest

from recording.reading import Records
from recording.small_models import batches, mlp
from tb_lossdiag import LossDiagnostics
from tb_lossdiag.recording.callbacks import described, who_set

CALLBACKS = keras.callbacks


class Own(CALLBACKS.Callback):
    """Halves the rate at the end of each epoch."""

    def on_epoch_end(self, epoch, logs=None):
        self.model.optimizer.learning_rate = 0.5 * float(self.model.optimizer.learning_rate)


class OwnPlateau(CALLBACKS.ReduceLROnPlateau):
    pass


def halving(epoch, rate):
    return 0.5 * rate


def plateau(**options):
    return CALLBACKS.ReduceLROnPlateau("loss", **{"factor": 0.5, "patience": 0, "min_delta": 100.0, **options})


def fitted(tmp_path, *callbacks):
    model = mlp()
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    model.fit(*batches(), epochs=3, batch_size=8, verbose=0, callbacks=[*callbacks, LossDiagnostics(tmp_path)])
    return Records(tmp_path)


def test_their_names_and_settings_are_on_the_card(tmp_path):
    stopping = CALLBACKS.EarlyStopping("loss", min_delta=0.5, patience=9)
    found = fitted(tmp_path, plateau(min_lr=1e-3), CALLBACKS.LearningRateScheduler(halving), stopping)
    one, two, three = found.card.settings["callbacks"]
    assert one["name"] == "ReduceLROnPlateau"
    expected = {"monitor": "loss", "factor": 0.5, "patience": 0, "min_delta": 100.0, "cooldown": 0, "min_lr": 1e-3}
    assert {name: one["config"][name] for name in expected} == expected
    assert two == {"name": "LearningRateScheduler", "config": {"schedule": "halving"}}
    assert (three["name"], three["config"]["patience"], three["config"]["min_delta"]) == ("EarlyStopping", 9, 0.5)


def test_one_of_the_users_own_kind_is_told_by_its_name():
    assert [one["name"] for one in described([OwnPlateau(), Own(), CALLBACKS.History()])] == ["OwnPlateau"]


@pytest.mark.parametrize(
    ("callbacks", "by"),
    [
        ([plateau], "ReduceLROnPlateau"),
        ([lambda: CALLBACKS.LearningRateScheduler(halving)], "LearningRateScheduler"),
        ([Own], "Own"),
        ([Own, lambda: CALLBACKS.EarlyStopping("loss", patience=9)], "Own"),
        ([Own, lambda: CALLBACKS.LearningRateScheduler(halving)], None),
    ],
)
def test_a_change_names_who_made_it_where_only_one_can_have(tmp_path, callbacks, by):
    events = fitted(tmp_path, *(make() for make in callbacks)).events("learning_rate")
    assert events
    assert {event.get("by") for event in events} == {by}


def test_a_plateau_that_would_have_set_another_rate_has_not(tmp_path):
    assert who_set([plateau()], 0.1, 0.05) == "ReduceLROnPlateau"
    assert who_set([plateau(min_lr=0.08)], 0.1, 0.08) == "ReduceLROnPlateau"
    assert who_set([plateau()], 0.1, 0.02) is None
    assert who_set([plateau(), Own()], 0.1, 0.02) == "Own"


def test_a_rate_that_nobody_sets_leaves_no_name(tmp_path):
    assert who_set([CALLBACKS.History()], 0.1, 0.2) is None
    assert fitted(tmp_path, CALLBACKS.EarlyStopping("loss", patience=9)).events("learning_rate") == []
