from pathlib import Path

import numpy as np
import pytest
import synthetic as s

from benchmarks.zoo.score import Judged, Share, ours, peers, share, until
from benchmarks.zoo.training import Training

SICK = Training("learning_rate_too_low-mlp-x", "learning_rate_too_low", None, ("undertrained",))
HEALTHY = Training("healthy-mlp-x", None, None)
METRIC = Training("wrong_metric-mlp-x", "wrong_metric", None)


def of(training: Training, seed: int, *answer) -> Judged:
    return Judged(training.name, training.truth, seed, *answer)


def crawling():
    return s.stuck(layers=s.with_column(s.layer_table(), "update_ratio", 1e-6))


def test_the_cause_must_be_first_or_among_three_and_may_be_one_that_is_as_true():
    assert of(SICK, 0, True, ("learning_rate_too_low",)).first
    assert of(SICK, 0, True, ("undertrained",)).first
    late = of(SICK, 0, True, ("a", "b", "learning_rate_too_low"))
    assert not late.first and late.among_three
    assert not of(SICK, 0, True, ("a", "b", "c", "learning_rate_too_low")).among_three


def test_only_a_metric_that_harms_nothing_is_detected_by_its_name():
    assert of(METRIC, 0, False, ("wrong_metric",)).detected
    assert not of(METRIC, 0, False, ("overfitting",)).detected
    assert not of(SICK, 0, False, ("learning_rate_too_low",)).detected


def test_our_answer_holds_the_first_look_at_which_it_alarmed():
    answer = ours(SICK, 0, crawling())
    assert answer.detected and answer.first and answer.critical and 10 <= answer.detected_at <= 400
    quiet = ours(HEALTHY, 0, s.healthy())
    assert quiet.well and not answer.well
    assert not quiet.alarmed and quiet.detected_at is None and not quiet.alarmed_live and quiet.not_run > 0


def test_a_look_sees_nothing_of_what_came_later():
    seen = until(crawling(), 35)
    assert seen.last_step <= 35 and len(seen.layers.steps) == 20
    assert seen.layers.column("update_ratio").shape[0] == 20


def test_every_peer_answers_in_our_terms(tmp_path: Path):
    for name, answer in peers(SICK, 0, crawling(), tmp_path).items():
        assert answer.name == SICK.name and isinstance(answer.alarmed, bool), name


@pytest.mark.parametrize(("hits", "total", "low", "high"), [(9, 10, 0.596, 0.982), (0, 40, 0.0, 0.088)])
def test_an_interval_is_wilsons(hits, total, low, high):
    assert np.allclose(Share(hits, total).interval, (low, high), atol=1e-3)


def test_shares_count_hits():
    judged = [of(HEALTHY, seed, seed == 0) for seed in range(4)]
    assert share(judged, lambda one: one.alarmed) == Share(1, 4)
    assert str(share([], lambda one: True)) == "-"


@pytest.mark.parametrize("total", range(1, 80))
def test_a_share_of_none_or_of_all_leaves_nothing_beyond(total):
    none, every = Share(0, total), Share(total, total)
    assert 0.0 <= none.interval[0] < 1e-12 and 1 - 1e-12 < every.interval[1] <= 1.0 and "-" not in str(none)
