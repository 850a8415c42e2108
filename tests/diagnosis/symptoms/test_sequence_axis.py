from dataclasses import replace

import pytest
import synthetic as s

from tb_lossdiag.diagnosis import diagnose_run
from tb_lossdiag.diagnosis.symptoms.sequence_axis import check
from tb_lossdiag.run import Run

BATCH = 32


def given(sequence, examples, target=(None,), **changes):
    """A run whose first layer takes its input for these many steps of these many examples."""
    card = s.card(framework="torch 2.9", settings={"loss_shapes": {"target": list(target), "prediction": [None, 10]}})
    first, *rest = card.layers
    first = replace(
        first, kind="LSTM", settings={**first.settings, "sequence_steps": sequence, "sequence_examples": examples}
    )
    return s.healthy(card=replace(card, layers=(first, *rest)), **changes)


def test_as_many_steps_as_the_batch_has_examples_go_along_the_batch():
    found = check(given(BATCH, 16))
    assert (found.state, found.layers) == ("found", ("hidden_1",)) and "goes along the batch" in found.evidence[0].text


@pytest.mark.parametrize(
    "run",
    [
        given(16, BATCH),
        given(BATCH, BATCH),
        given(BATCH, 1),
        given(16, 8),
        given(BATCH, 16, target=(None, 16)),
    ],
    ids=["steps in front", "as many of both", "one sequence", "neither", "a target for each example of a step"],
)
def test_a_layer_that_may_have_its_steps_in_front_is_trusted(run):
    assert check(run).state == "not_found"


def test_it_needs_a_layer_that_says_how_it_reads_its_input():
    assert check(Run("a")).state == check(s.healthy()).state == "not_run"


def test_a_model_that_goes_along_the_batch_is_not_told_that_its_labels_are_to_blame():
    causes = diagnose_run(given(BATCH, 16, steps=s.loss(s.flat()), epochs={})).causes
    assert (causes[0].id, causes[0].severity) == ("mixed_examples", "critical")
    assert "get_submodule('hidden_1').batch_first = True" in causes[0].fix.code
    assert all(cause.severity != "critical" for cause in causes if cause.id == "uninformative_labels")


def test_one_that_learns_all_the_same_is_accused_of_nothing():
    steps = s.loss(s.falling(last=0.2))
    assert diagnose_run(given(BATCH, 16, steps=steps, epochs={})).severity in ("none", "note")
