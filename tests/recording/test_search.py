"""After a loss that is not finite the batch that broke it is searched for, as long as one pass over the data."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from recording.reading import Records
from recording.small_models import batches, same
from tb_lossdiag import LossDiagnostics, diagnose, schema
from tb_lossdiag.recording.search import LONGEST_SECONDS, Search

STEPS = 40  # an epoch's
BROKEN = 33  # the step of each epoch whose batch has a NaN


def test_a_search_ends_with_the_batch_or_a_pass_over_the_data():
    search = Search()
    assert search.looked(math.nan, True) is None and not search.is_on
    search.begin(3)
    assert [search.looked(math.nan, False) for _ in range(3)] == [None, None, False] and not search.is_on
    search.begin(3)
    assert [search.looked(math.nan, broken) for broken in (False, True)] == [None, True] and search.steps == 2


def test_a_search_ends_without_an_answer_where_the_training_recovers_or_time_is_up(monkeypatch):
    search = Search()
    search.begin(100)
    assert search.looked(1.0, False) is None and not search.is_on
    now = [0.0]
    monkeypatch.setattr("tb_lossdiag.recording.search.time.monotonic", lambda: now[0])
    search.begin(None)
    now[0] = LONGEST_SECONDS + 1
    assert search.looked(math.nan, False) is None and not search.is_on


def fitted(broken, *callbacks, epochs=3, loss="sparse_categorical_crossentropy"):
    x, y = (np.tile(part, (STEPS // 3 + 1, *[1] * (part.ndim - 1)))[: 8 * STEPS] for part in batches(24))
    x = x.copy()
    if broken:
        x[8 * BROKEN - 3, 2] = np.nan
    keras.utils.set_random_seed(4)
    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3, "softmax")])
    model.compile(keras.optimizers.SGD(0.01), loss)
    model.fit(x, y, batch_size=8, epochs=epochs, shuffle=False, verbose=0, callbacks=[*callbacks])
    return model.get_weights()


def test_one_row_with_a_nan_is_found_when_it_comes_again_and_nothing_else_is_kept(tmp_path):
    plain = fitted(True)
    recorded = fitted(True, LossDiagnostics(tmp_path, every=1000))
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(plain, recorded, strict=True))
    records = Records(tmp_path)
    [event] = records.events("search")
    assert event["found"] and STEPS - 11 <= event["steps"] <= STEPS
    sampled = records.steps(schema.LAYERS)
    assert STEPS + BROKEN in sampled and len(sampled) < 15  # the first, some after the accident, and the batch
    first = next(iter(diagnose(tmp_path).values())).causes[0]
    assert (first.id, first.confidence) == ("nonfinite_inputs", "likely")
    assert f"step {STEPS + BROKEN}" in first.evidence_for[0].text


def breaks_at(step):
    """A loss whose gradient is NaN from a step on, whatever the data are."""
    count = tf.Variable(0, trainable=False)

    def loss(y, p):
        late = tf.cast(count.assign_add(1) >= step, tf.float32)
        return keras.losses.sparse_categorical_crossentropy(y, p) + tf.sqrt(0.0 * p[:, 0]) * late

    return loss


def test_an_operation_is_blamed_once_all_batches_were_looked_into(tmp_path):
    fitted(False, LossDiagnostics(tmp_path, every=1000), loss=breaks_at(BROKEN))
    [event] = Records(tmp_path).events("search")
    assert event == {**event, "steps": STEPS, "found": False}
    causes = next(iter(diagnose(tmp_path).values())).causes
    assert (causes[0].id, causes[0].confidence) == ("exploding_gradients", "likely")
    assert all(cause.id != "nonfinite_inputs" for cause in causes)


@pytest.mark.parametrize("broken", [True, False])
def test_where_the_training_ends_before_that_neither_is_more_than_possible(tmp_path, broken):
    loss = {} if broken else {"loss": breaks_at(BROKEN)}
    fitted(broken, LossDiagnostics(tmp_path, every=1000), epochs=1, **loss)
    causes = next(iter(diagnose(tmp_path).values())).causes
    assert {"nonfinite_inputs", "exploding_gradients"} <= {cause.id for cause in causes}
    assert all(cause.severity != "critical" for cause in causes)


def test_a_training_that_is_sound_searches_nothing(tmp_path):
    assert same(fitted(False, epochs=1), fitted(False, LossDiagnostics(tmp_path), epochs=1))
    assert Records(tmp_path).events("search") == []
