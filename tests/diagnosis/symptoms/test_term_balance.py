from dataclasses import replace

import asked_losses as a
import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.term_balance import check
from tb_lossdiag.run import Series

FLAT = np.full(len(a.STEPS), 1e-3)


def test_an_output_at_chance_beside_a_loss_a_thousand_times_as_large_is_drowned():
    found = check(a.heads(a.at_chance(), a.well()))
    assert found.found and found.sign("small") == "a" and found.sign("large") == "b" and found.sign("at_chance")
    assert found.sign("ratio") > 100 and "at chance" in found.evidence[0].text


def test_outputs_that_are_learned_are_balanced_whatever_their_size():
    assert check(a.heads(a.well(0.69, 0.1), a.well())).state == "not_found"


def test_an_output_at_chance_with_its_share_of_the_loss_is_not_drowned():
    assert check(a.heads(a.at_chance(), a.well(1.0, 0.2))).state == "not_found"


def test_a_part_that_pulls_too_weakly_and_stays_where_it_was_is_drowned():
    run = a.with_terms(s.healthy(data=a.table({})), {"pde": a.along(5, 0.1), "edge": np.full(len(a.STEPS), 1.0)},
                       {"pde": 10.0, "edge": 0.1})  # fmt: skip
    found = check(run)
    assert found.found and found.sign("small") == "edge" and "of the gradient" in found.evidence[0].text


@pytest.mark.parametrize("pulls", [{"pde": 1.0, "edge": 0.5}, {"pde": 0.1, "edge": 10.0}])
def test_a_part_that_pulls_its_weight_is_sound(pulls):
    terms = {"pde": a.along(5, 0.1), "edge": a.along(1.0, 0.5)}
    assert check(a.with_terms(s.healthy(data=a.table({})), terms, pulls)).state == "not_found"


def torch_parts(terms, pulls, **settings):
    run = a.with_terms(s.healthy(data=a.table({})), terms, pulls)
    card = replace(run.card, framework="torch 2.11", settings={**run.card.settings, **settings})
    return replace(run, card=card)


def test_a_large_part_that_hardly_pulls_and_stays_where_it_was_is_drowned_whatever_its_value():
    terms = {"data": a.along(5, 0.1), "far": np.full(len(a.STEPS), 90.0)}
    found = check(torch_parts(terms, {"data": 1.0, "far": 1e-4}))
    assert found.found and found.sign("small") == "far" and found.sign("large") == "data"
    assert found.sign("ratio") == pytest.approx(1e4, rel=1e-3)
    assert "though its value is 9" in found.evidence[0].text
    assert check(torch_parts(terms, {"data": 1.0, "far": 0.05})).state == "not_found"


def test_an_output_whose_labels_say_nothing_pulls_weakly_and_is_not_drowned():
    chance, well = a.at_chance(), a.well(1.6, 0.1)
    run = a.with_terms(a.heads(chance, well), {"a": chance["loss"], "b": well["loss"]}, {"a": 0.05, "b": 1.0})
    assert check(run).state == "not_found"
    run = a.with_terms(a.heads(chance, well), {"a": chance["loss"], "b": well["loss"]}, {"a": 0.005, "b": 1.0})
    assert check(run).found and check(run).sign("at_chance")


def test_a_small_part_that_pulls_is_sound_and_one_that_hardly_does_is_drowned():
    terms = {"data": a.along(5, 0.1), "other": FLAT}
    assert check(torch_parts(terms, {"data": 1.0, "other": 0.5})).state == "not_found"
    assert check(torch_parts(terms, {"data": 1.0, "other": 0.05})).found


def test_a_part_without_a_pull_is_not_compared_with_those_that_have_one():
    terms = {"data": a.along(5, 0.1), "other": a.along(1, 0.5), "told_beside": FLAT}
    found = check(torch_parts(terms, {"data": 1.0, "other": 0.5, "told_beside": np.nan}))
    assert found.state == "not_found" and "told_beside" not in found.evidence[0].text
    lonely = check(torch_parts(terms, {"data": 1.0, "other": np.nan, "told_beside": np.nan}))
    assert lonely.found and lonely.sign("small") == "told_beside" and "of the loss" in lonely.evidence[0].text


def test_the_pulls_of_the_first_samples_alone_tell_nothing():
    terms = {"data": a.along(5, 0.1), "other": a.along(1, 0.99)}
    pulls = {name: np.where(np.arange(len(a.STEPS)) % 10 == 0, value, np.nan)
             for name, value in {"data": 1.0, "other": 1e-4}.items()}  # fmt: skip
    early = {name: np.where(np.arange(len(a.STEPS)) < 20, value, np.nan) for name, value in pulls.items()}
    assert check(torch_parts(terms, pulls)).found
    assert check(torch_parts(terms, early)).state == "not_found"


def test_why_the_pulls_are_not_known_is_told_with_what_the_values_say():
    terms = {"data": a.along(5, 0.1), "other": FLAT}
    found = check(torch_parts(terms, None, pull_not_measured="loss_terms was called after the backward pass"))
    assert "because loss_terms was called after the backward pass" in found.evidence[0].text


def test_outputs_without_terms_are_compared_by_their_pulls():
    run = a.heads({**a.at_chance(), "gradient_norm": 1e-4}, {**a.well(1.0, 0.2), "gradient_norm": 1.0})
    found = check(run)
    assert found.found and found.sign("small") == "a" and "of the gradient" in found.evidence[0].text
    run = a.heads({**a.at_chance(), "gradient_norm": 0.5}, {**a.well(), "gradient_norm": 1.0})
    assert check(run).state == "not_found"


@pytest.mark.parametrize("name", ["kl", "l2_penalty", "entropy_bonus", "commitment", "aux_loss", "smoothness"])
def test_what_is_small_on_purpose_is_sound(name):
    terms = {"data": a.along(5, 0.1), name: FLAT}
    assert check(a.with_terms(s.healthy(data=a.table({})), terms)).state == "not_found"
    assert check(a.with_terms(s.healthy(data=a.table({})), {"data": a.along(5, 0.1), "other": FLAT})).found


def test_a_small_part_that_comes_down_is_learned():
    terms = {"data": a.along(5, 0.1), "other": a.along(1e-3, 1e-4)}
    assert check(a.with_terms(s.healthy(data=a.table({})), terms)).state == "not_found"


def test_one_part_has_nothing_to_balance():
    assert check(s.healthy()).state == check(a.learned()).state == "not_run"
    assert check(a.with_terms(s.healthy(data=a.table({})), {"data": 1.0})).state == "not_run"


def test_few_samples_are_too_few():
    run = a.with_terms(s.healthy(data=a.table({})), {"data": 1.0, "other": 1e-3})
    assert check(s.healthy(data=s.first_steps(run.data, 4))).state == "inconclusive"


def summed(weights, **terms):
    """A run whose loss is the weighted sum of the terms, which it tells without their weights."""
    total = sum(
        weights[name] * np.broadcast_to(np.asarray(value, float), len(a.STEPS)) for name, value in terms.items()
    )
    run = a.with_terms(s.healthy(data=a.table({})), terms)
    return replace(run, steps={**run.steps, "loss": Series(a.STEPS, total, len(total))})


def test_a_part_that_is_weighted_to_nothing_is_drowned_though_it_is_all_that_is_left_in_the_end():
    run = summed({"pde": 1.0, "edge": 1e-7}, pde=np.exp(-a.STEPS / 20), edge=a.along(0.05, 1.0))
    found = check(run)
    assert found.found and found.sign("small") == "edge" and found.sign("weighed_down")
    assert "it rose" in found.evidence[0].text and "1e-07 of what 'pde' does" in found.evidence[0].text


def test_what_a_part_without_weight_loses_by_the_way_is_not_learned():
    parts = {"pde": np.exp(-a.STEPS / 20), "edge": a.along(1.7, 0.65)}
    assert check(summed({"pde": 1.0, "edge": 1e-7}, **parts)).sign("small") == "edge"
    assert not check(summed({"pde": 1.0, "edge": 1e-2}, **parts)).found


def test_a_weight_that_brings_a_part_down_to_the_others_is_sound():
    parts = {"pde": a.along(5, 0.1), "far": a.along(500.0, 490.0)}
    assert check(summed({"pde": 1.0, "far": 1e-2}, **parts)).state == "not_found"


def test_what_is_only_told_beside_the_loss_is_not_weighted_to_nothing():
    run = summed({"data": 1.0, "error": 0.0}, data=a.along(5, 0.1), error=a.along(0.5, 0.6))
    assert not check(run).sign("weighed_down")


def test_a_loop_of_torch_tells_parts_of_its_loss_and_nothing_else():
    parts = {"data": a.along(5, 0.1), "edge": a.along(0.5, 0.6)}
    run = summed({"data": 1.0, "edge": 0.0}, **parts)
    torch = replace(run, card=replace(run.card, framework="torch 2.11"))
    assert check(torch).sign("weighed_down") and check(torch).sign("small") == "edge"
    accuracy = summed({"data": 1.0, "accuracy": 0.0}, data=parts["data"], accuracy=parts["edge"])
    assert check(replace(accuracy, card=torch.card)).state == "not_found"


def test_an_output_whose_weight_is_nothing_is_drowned():
    run = a.with_terms(
        a.heads(a.at_chance(), a.well(1.6, 0.1)), {"a": a.at_chance()["loss"], "b": a.well(1.6, 0.1)["loss"]}
    )
    loss = Series(a.STEPS, np.asarray(a.well(1.6, 0.1)["loss"]), len(a.STEPS))
    found = check(replace(run, steps={**run.steps, "loss": loss}))
    assert found.found and found.sign("small") == "a" and found.sign("at_chance") and found.sign("weighed_down")


def test_an_output_that_was_driven_below_chance_late_is_drowned_though_it_still_knows_its_example():
    worse = {**a.at_chance(), "loss": a.noisy(np.full(len(a.STEPS), 0.8)), "loss_shuffled": 2.0}
    found = check(a.heads({**worse, "loss_least": 0.0}, a.well()))
    assert found.found and found.sign("small") == "a" and found.sign("at_chance")


def test_the_whole_loss_told_among_its_parts_is_none_of_them():
    parts = {"recon_loss": a.along(5, 1), "extra_loss": a.along(0.5, 0.4)}
    run = summed({"recon_loss": 1.0, "extra_loss": 1.0}, **parts)
    told = a.with_terms(run, {**parts, "loss": parts["recon_loss"] + parts["extra_loss"]})
    assert "'loss'" not in check(told).evidence[0].text


def test_what_a_layer_adds_under_a_number_may_be_small_on_purpose():
    assert (
        check(summed({"vae[0]": 1.0, "vae[1]": 1.0}, **{"vae[0]": a.along(5, 1), "vae[1]": a.along(1e-4, 1e-4)})).state
        == "not_found"
    )


def test_a_part_that_never_came_down_while_another_did_is_at_rest():
    run = summed({"digit": 1.0, "ink": 1.0}, digit=a.along(2.3, 2.4), ink=a.along(1.0, 0.05))
    found = check(run)
    assert (
        found.state == "not_found"
        and found.sign("at_rest") == "digit"
        and "'digit' never came down" in found.evidence[0].text
    )
    both = check(summed({"digit": 1.0, "ink": 1.0}, digit=a.along(2.3, 1.0), ink=a.along(1.0, 0.05)))
    assert both.sign("at_rest") is None


def test_a_part_that_is_a_millionth_at_first_and_stays_what_it_is_counts_for_nothing():
    found = check(summed({"ends": 1.0, "equation": 1.0}, ends=a.along(0.2, 1e-6), equation=a.along(1e-7, 1e-7)))
    assert found.found and found.sign("small") == "equation" and found.sign("weighed_down")
    warmed_up = check(summed({"ends": 1.0, "equation": 1.0}, ends=a.along(0.2, 1e-3), equation=a.along(1e-7, 1e-2)))
    assert not warmed_up.sign("weighed_down")


def beside(own, rest):
    """One output whose loss is called, and what is added to it under no name; a guess scores what it began with."""
    guess = np.full(len(a.STEPS), own[0])
    data = a.table(
        {"output": {"loss": own, "loss_shuffled": a.noisy(guess, 0.01, 3), "loss_constant": a.noisy(guess, 0.01, 4)}}
    )
    total = np.interp(np.arange(1, 401), a.STEPS, np.asarray(own) + rest)
    return s.healthy(data=data, targets=None, card=a.own(), steps=s.loss(total))


def test_what_is_added_took_over_where_it_is_gone_and_the_loss_of_the_output_is_at_chance():
    at_chance, gone = a.noisy(np.full(len(a.STEPS), 0.6), 0.01), np.exp(-a.STEPS / 40)
    found = check(beside(at_chance, 1.2 * gone))
    assert found.found and found.sign("level") == "won" and "the rest of the loss" in found.evidence[0].text
    assert not check(beside(at_chance, 0.1 * gone)).found  # smaller than the loss from the start
    assert not check(beside(at_chance, a.along(1.2, 0.9))).found  # it is still there
    assert not check(beside(a.along(0.6, 0.1), 1.2 * gone)).found  # the output has learned


def test_a_loss_times_a_weight_has_no_rest():
    level = a.noisy(np.full(len(a.STEPS), 0.6), 0.1)
    assert check(beside(level, 9 * level)).state == "not_run"


def test_a_part_that_is_0_at_every_step_is_switched_off_and_no_part():
    terms = {"word_loss": a.along(2.0, 0.1), "weight_loss": np.zeros(len(a.STEPS))}
    assert check(a.with_terms(s.healthy(data=a.table({})), terms)).state == "not_run"


def test_a_penalty_that_blew_up_with_the_weights_drowns_nothing():
    terms = {"data": np.full(len(a.STEPS), 2.0), "weights": 1e-3 * np.exp(np.linspace(0, 30, len(a.STEPS)))}
    assert check(a.with_terms(s.healthy(data=a.table({})), terms)).state == "not_found"
