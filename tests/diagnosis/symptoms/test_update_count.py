import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.update_count import FEW, FULL_BATCH_SIZE, FULL_BATCH_STEPS, SINGLE, check


def trained(updates, per_epoch=10, epochs=None, batch_size=32, **changes):
    """A training of this many updates, all that were planned unless `epochs` says otherwise."""
    epochs = updates // per_epoch if epochs is None and per_epoch else epochs
    card = s.card(steps_per_epoch=per_epoch, epochs=epochs, batch_size=batch_size)
    loss = s.series(s.falling()).between(1, updates)
    return s.healthy(**{"card": card, "steps": {"loss": loss}, "layers": None, "data": None, **changes})


@pytest.mark.parametrize(("run", "level"), [
    (trained(FEW - 10), "few"), (trained(FEW), "usual"), (trained(98, 10, 10), "few"), (trained(400), "usual"),
    (trained(50, FULL_BATCH_STEPS, batch_size=FULL_BATCH_SIZE + 1), "full_batch"),
    (trained(400, FULL_BATCH_STEPS, batch_size=FULL_BATCH_SIZE + 1), "full_batch"),
    (trained(400, FULL_BATCH_STEPS, batch_size=FULL_BATCH_SIZE), "usual"),
    (trained(399, FULL_BATCH_STEPS + 1, batch_size=1000), "usual"),
    (trained(400, batch_size=SINGLE), "single"), (trained(400, batch_size=SINGLE + 1), "usual"),
])  # fmt: skip
def test_few_updates_and_odd_batches_are_told(run, level):
    found = check(run)
    assert (found.state, found.onset) == (("not_found", None) if level == "usual" else ("found", 0))
    card = run.card
    assert dict(found.signs) == {
        "updates": run.last_step, "per_epoch": card.steps_per_epoch, "batch_size": card.batch_size, "level": level,
    }  # fmt: skip


@pytest.mark.parametrize("run", [trained(97, 10, 10), trained(50, 10, 100), trained(50, None), trained(50, -1, -1)])
def test_a_training_that_has_not_ended_may_get_more(run):
    assert check(run).state == "inconclusive"


def test_the_plan_may_be_unknown():
    assert check(trained(400, None)).sign("level") == "usual"


@pytest.mark.parametrize("run", [
    trained(50, batch_size=None), trained(50, card=None), trained(50, step_unit="epoch"), trained(50, steps={}),
])  # fmt: skip
def test_without_steps_and_batches_the_check_asks_for_them(run):
    assert check(run).state == "not_run"


def test_a_damaged_log_does_not_raise():
    for run in s.hostile(trained(50)):
        assert check(run).id == "update_count"
