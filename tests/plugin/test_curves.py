import numpy as np

from tb_lossdiag.plugin.curves import MAX_POINTS, layer_payload, series_payload
from tb_lossdiag.plugin.statistics import statistics_of
from tb_lossdiag.run import Row, Run, Series, Table


def test_short_series_are_sent_whole():
    series = Series(np.array([1, 2]), np.array([2.5, np.nan]), 7)
    (sent,) = series_payload(Run("exp", steps={"loss": series}))["series"]
    assert sent["steps"] == [1, 2]
    assert sent["values"][0] == 2.5 and np.isnan(sent["values"][1])
    assert (sent["shown"], sent["written"]) == (2, 7)


def test_curves_are_named_and_grouped_for_the_page():
    curve = Series(np.array([1]), np.array([1.0]))
    steps = dict.fromkeys(("loss", "learning_rate", "gradient_norm", "update_norm", "penalty"), curve)
    payload = series_payload(Run("exp", steps=steps, epochs=dict.fromkeys(("loss", "val_loss", "accuracy"), curve)))
    assert [(series["id"], series["group"]) for series in payload["series"]] == [
        ("loss", "loss"),
        ("learning_rate", "learning_rate"),
        ("gradient_norm", "norm"),
        ("update_norm", "norm"),
        ("epoch_loss", "loss"),
        ("epoch_val_loss", "loss"),
        ("penalty", "term"),
    ]


def test_the_terms_of_a_loss_share_a_chart_and_a_penalty_of_nothing_is_left_out():
    rows = (Row("input:x", "input"), Row("loss:kl_loss", "loss"), Row("loss:kind_loss", "loss"))
    values = np.stack([np.full((2, 3), 7.0), np.array([[9.0, 0.5, np.nan], [9.0, 0.25, 2.0]])], axis=2)
    table = Table(np.array([1, 5]), rows, ("std", "mean"), values.astype(np.float32), 2)
    penalty = Series(np.array([1, 5]), np.zeros(2))
    sent = series_payload(Run("exp", data=table, steps={"penalty": penalty}))["series"]
    assert [(line["id"], line["label"], line["group"]) for line in sent] == [
        ("loss:kl_loss", "kl_loss", "term"),
        ("loss:kind_loss", "kind_loss", "term"),
    ]
    assert [line["steps"] for line in sent] == [[1, 5], [1, 5]]
    assert sent[0]["values"] == [0.5, 0.25]
    assert np.isnan(sent[1]["values"][0]) and sent[1]["values"][1] == 2.0


def test_a_part_of_the_steps_is_merged_anew():
    series = Series(np.arange(10_000), np.arange(10_000.0), 20_000)
    run = Run("exp", steps={"loss": series})
    whole = series_payload(run)["series"][0]
    part = series_payload(run, (100, 200))["series"][0]
    assert whole["shown"] <= MAX_POINTS < whole["written"] == 20_000
    assert part["steps"] == list(range(99, 202))
    assert part["low"] is None
    assert (part["shown"], part["written"]) == (103, 206)


def test_a_part_without_a_record_still_leads_from_the_one_before_to_the_one_after():
    series = Series(np.array([10, 90]), np.array([1.0, 2.0]), 2)
    (part,) = series_payload(Run("exp", steps={"loss": series}), (40, 50))["series"]
    assert part["steps"] == [10, 90]


def test_a_layers_curves_are_one_chart_per_statistic_with_one_line_per_row():
    rows = (Row("fc/kernel", "variable", "fc"), Row("fc/bias", "variable", "fc"), Row("fc", "output", "fc"))
    values = np.full((3, 3, 3), np.nan, np.float32)
    values[:, :2, 0], values[:, :1, 1], values[:, 2, 2] = 4.0, 2.0, 0.5
    table = Table(np.array([1, 2, 3]), rows, ("gradient_norm", "weight_norm", "activation_std"), values, 3)
    payload = layer_payload(Run("exp", layers=table), "fc", statistics_of(table))
    drawn = {chart["statistic"]: [line["label"] for line in chart["series"]] for chart in payload["charts"]}
    assert drawn == {
        "gradient_norm": ["fc/kernel", "fc/bias"],
        "weight_norm": ["fc/kernel"],
        "activation_std": ["fc"],
        "gradient_weight_ratio": ["fc/kernel"],
    }
    assert payload["charts"][-1]["series"][0]["values"] == [2.0, 2.0, 2.0]
    assert layer_payload(Run("exp", layers=table), "other", statistics_of(table))["charts"] == []


def test_a_row_that_names_no_layer_is_its_own():
    table = Table(np.array([1]), (Row("w", "variable"),), ("gradient_norm",), np.ones((1, 1, 1), np.float32), 1)
    assert len(layer_payload(Run("exp", layers=table), "w", statistics_of(table))["charts"]) == 1
