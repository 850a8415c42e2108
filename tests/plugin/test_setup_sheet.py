from dataclasses import replace

import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.plugin.setup_sheet import MOST_LABELS, setup_payload
from tb_lossdiag.run import Event, Run


def test_settings_are_grouped_for_a_reader():
    payload = setup_payload(s.healthy())
    groups = {group["title"]: {f["label"]: f["value"] for f in group["facts"]} for group in payload["groups"]}
    assert list(groups) == ["Model", "Loss", "Optimizer", "Training", "Layers"]
    assert groups["Optimizer"] == {"Name": "Adam", "Learning rate": 1e-3}
    assert groups["Training"]["Batch size"] == 32
    assert groups["Layers"]["output"] == "Dense, 10 units, softmax, 170 parameters"


def test_data_of_all_batches_keep_extremes_add_up_counts_and_leave_out_what_does_not_apply():
    run = s.healthy()
    table, columns = run.data, run.data.columns
    values = table.values.copy()
    values[3, 0, columns.index("max")] = 99
    values[3, 0, columns.index("mean")] = 99
    values[[3, 5], 0, columns.index("nonfinite")] = 2
    data = setup_payload(replace(run, data=replace(table, values=values)))["data"]
    ids = [column["id"] for column in data["columns"]]
    x, y, _ = data["rows"]
    assert (x["name"], x["kind"]) == ("input:x", "input")
    told = [x["values"][ids.index(name)] for name in ("max", "mean", "nonfinite", "out_of_range")]
    assert told == [99, pytest.approx(0, abs=1e-3), 4, None]
    assert y["values"][ids.index("out_of_range")] == 0


def test_labels_are_the_share_of_each_class():
    shares = np.array([0.5, 0.3, 0.2])
    labels = setup_payload(s.healthy(targets=s.target_table(shares)))["labels"]
    assert (labels["kind"], labels["written"]) == ("classes", 3)
    assert [row["mean"] for row in labels["rows"]] == pytest.approx(shares)


def test_of_many_classes_the_most_frequent_are_sent_and_counted():
    shares = np.arange(1, 101) / np.arange(1, 101).sum()
    labels = setup_payload(s.healthy(targets=s.target_table(shares)))["labels"]
    assert (len(labels["rows"]), labels["written"]) == (MOST_LABELS, 100)
    assert labels["rows"][0]["name"] == "99"


def test_targets_that_are_no_classes_have_mean_and_spread():
    card = s.card(loss={"name": "mean_squared_error"})
    labels = setup_payload(s.healthy(card=card, targets=s.target_table([5.0], [2.0])))["labels"]
    assert labels["kind"] == "values"
    assert labels["rows"] == [{"name": "0", "mean": 5.0, "std": 2.0}]


def test_infinities_of_both_signs_leave_no_typical_value_and_no_warning():
    both = np.resize([np.inf, -np.inf], len(s.healthy().data.steps))
    both[-1] = np.nan  # so that an even number is left
    run = s.healthy(targets=s.target_table([0.5, 0.5]))
    data, targets = (table.values.copy() for table in (run.data, run.targets))
    data[:, 0, run.data.columns.index("mean")] = both
    data[:, 0, run.data.columns.index("nonfinite")] = both
    targets[:, 0] = np.resize([np.inf, -np.inf], targets[:, 0].shape[:1])[:, None]
    run = replace(run, data=replace(run.data, values=data), targets=replace(run.targets, values=targets))
    payload = setup_payload(run)
    ids = [column["id"] for column in payload["data"]["columns"]]
    told = [payload["data"]["rows"][0]["values"][ids.index(name)] for name in ("mean", "nonfinite")]
    assert np.isnan(told).all()
    assert payload["labels"]["rows"][0]["mean"] is None


def test_what_was_recorded_is_counted_with_its_late_cadence_and_its_cost():
    costs = (Event(200, "cost", {"share": 0.5, "samples": 20}), Event(400, "cost", {"share": 0.02, "samples": 39}))
    payload = setup_payload(s.healthy(events=costs))
    loss, layers, *_, epochs = payload["recorded"]
    assert loss == {"label": "Loss per step", "shown": 400, "written": 400, "steps": [1, 400], "gap": 1}
    assert (layers["shown"], layers["steps"], layers["gap"]) == (39, [1, 400], 20)
    assert (epochs["shown"], epochs["steps"], epochs["gap"]) == (0, None, None)
    assert payload["cost"] == {"share": 0.02, "samples": 39}


@pytest.mark.parametrize("share", [None, "much", float("nan"), [1]])
def test_a_cost_that_is_no_number_is_none(share):
    assert setup_payload(s.healthy(events=(Event(1, "cost", {"share": share}),)))["cost"] is None


def test_a_run_without_card_and_tables_still_answers():
    payload = setup_payload(Run("exp"))
    assert payload["groups"] == payload["data"]["rows"] == []
    assert (payload["labels"], payload["cost"], payload["cadence"]) == (None, None, None)
