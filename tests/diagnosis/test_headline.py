import asked_losses as a
import numpy as np
import synthetic as s

from tb_lossdiag.diagnosis import diagnose_run
from tb_lossdiag.diagnosis.headline import BEHIND, BOUNDS, ENDLESS, OPEN, STILL


def said(run):
    return diagnose_run(run).verdict


def test_a_loss_that_cannot_be_is_said_to_be_so():
    told = said(s.healthy(card=s.card(loss={"name": "mse"}), steps=s.loss(s.falling(1.0, -900.0)), targets=None))
    assert told.state == "diverging" and told.headline.startswith(BOUNDS["impossible"])
    assert said(a.run(-np.exp(np.linspace(0, 30, 400)), {})).headline.startswith(BOUNDS["runaway"])


def test_an_output_that_stays_behind_is_named():
    told = said(a.heads(a.at_chance(), a.well()))
    assert told.state == "stalled" and told.headline.startswith(f"{BEHIND} The loss of 'a' ends at 0.6")


def test_a_loss_that_may_be_at_its_floor_is_neither_stuck_nor_done():
    told = said(a.floored())
    assert told.state == "inconclusive" and told.headline.startswith(OPEN) and told.cause is None


def test_other_answers_keep_the_words_of_their_state():
    assert said(s.stuck()).headline.startswith("The model has learned nothing.")


def test_a_loss_without_a_reference_that_came_down_and_lies_still_says_what_is_not_known():
    course = np.r_[np.linspace(44, 26, 100), 25.4 + 0.1 * np.random.default_rng(0).normal(size=300)]
    told = said(s.healthy(card=s.card(loss={}), data=None, targets=None, steps=s.loss(course), epochs={}))
    assert told.state == "inconclusive" and told.headline.startswith(STILL)


def test_a_loss_that_falls_below_0_as_fast_as_ever_is_not_said_to_be_learned():
    course = np.linspace(2.8, -8.0, 400) + np.random.default_rng(0).normal(0, 0.1, 400)
    report = diagnose_run(s.healthy(card=s.card(loss={}), data=None, targets=None, steps=s.loss(course), epochs={}))
    assert report.verdict.state == "inconclusive" and report.verdict.headline.startswith(ENDLESS)
    assert [(cause.id, cause.severity) for cause in report.causes][:1] == [("unbounded_loss", "note")]
