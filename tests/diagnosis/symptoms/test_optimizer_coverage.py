import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.optimizer_coverage import check
from tb_lossdiag.run import Event, Run

HIDDEN = {"name": "layers.0.weight", "shape": [64, 64], "holder": "MyLayer"}


def told(**settings):
    return check(s.healthy(card=s.card(settings=settings)))


@pytest.mark.parametrize(("settings", "level"), [
    ({"untracked": [HIDDEN], "optimizer_share": 1.0}, "untracked"), ({"untracked": [HIDDEN]}, "untracked"),
    ({"optimizer_share": 0.0, "optimizer_foreign": 5396}, "other_model"),
    ({"optimizer_share": 0.9, "optimizer_foreign": 650}, "other_model"),  # a head made anew behind the optimizer
    ({"optimizer_share": 0.02, "optimizer_foreign": 0}, "part"),
])  # fmt: skip
def test_weights_that_the_optimizer_does_not_have_are_told_by_kind(settings, level):
    found = told(**settings)
    assert found.found and found.sign("level") == level and found.onset == 0


@pytest.mark.parametrize("settings", [
    {"optimizer_share": 1.0}, {"optimizer_share": 1.0, "optimizer_foreign": 3000},  # a second model's
    {"optimizer_share": 1.0, "untracked": []}, {"optimizer_share": 0.9999},
])  # fmt: skip
def test_an_optimizer_that_has_them_all_is_sound(settings):
    assert told(**settings).state == "not_found"


@pytest.mark.parametrize("settings", [{}, {"untracked": "?"}, {"untracked": [3, {}]}, {"optimizer_share": "all"}])
def test_what_the_card_does_not_tell_is_not_run(settings):
    assert told(**settings).state == "not_run"


def test_names_and_shapes_are_told():
    found = told(untracked=[HIDDEN, {"name": "scale", "shape": "?"}])
    assert found.layers == ("layers.0.weight", "scale")
    assert "'layers.0.weight' of 64 x 64, 'scale'" in found.evidence[0].text


def test_passes_without_a_step_are_a_fault_only_where_no_step_was_ever_taken():
    told = (Event(0, "no_step", {"passes": 256}),)
    assert check(Run("never", events=told)).sign("level") == "no_step"
    assert check(s.healthy(events=told)).sign("level") != "no_step"
