import dataclasses
import time

import numpy as np
import pytest
from event_files import bfloat16, step_record, tensor, write

from tb_lossdiag import schema
from tb_lossdiag.logs import list_experiments, read_run
from tb_lossdiag.recording.writer import DiagnosticsWriter
from tb_lossdiag.run import LayerCard, ModelCard, Row

CARD = ModelCard(
    framework="numpy",
    layers=(LayerCard("fc", "Dense", "relu"),),
    rows=(Row("fc/kernel", "variable", "fc"), Row("fc", "output", "fc")),
    data_rows=(Row("x", "input"),),
    columns={"steps": schema.STEP_COLUMNS, "layers": tuple(schema.LAYER_COLUMNS), "data": schema.DATA_COLUMNS},
)
CARD_TEXT = schema.encode_json({**CARD.to_dict(), "version": schema.VERSION})
MARK = '{"kind":"mark"}'
LAYERS = schema.encode_matrix(tuple(schema.LAYER_COLUMNS), {"gradient_norm": [0.5, np.nan]}, 2)


def read(open_log, log_dir, name="exp"):
    log = open_log(log_dir)
    return read_run(log, list_experiments(log)[name])


def steps(*numbers, first=1, wall=None):
    return [
        tensor(schema.STEPS, step, step_record(sequence, loss=1.0 / step), wall=wall)
        for sequence, step in enumerate(numbers, first)
    ]


def test_what_the_writer_writes_is_what_the_reader_reads(open_log, tmp_path):
    log_dir = tmp_path / "logs"
    with DiagnosticsWriter(log_dir / "exp", CARD) as writer:
        for step in range(1, 11):
            if step % 5 == 1:
                writer.write_layers(step, {"gradient_norm": [step, np.nan], "activation_std": [np.nan, np.inf]})
                writer.write_data(step, {"mean": [0.25], "nonfinite": [3]})
                writer.write_targets(step, {"mean": [0.1, 0.9]})
            writer.write_step(step, loss=1 / step, **({"learning_rate": 0.5} if step % 5 == 1 else {}))
        writer.write_epoch(10, 0, {"loss": 0.3, "val_loss": np.nan})
        writer.write_event(10, "mark", text="here")
    run = read(open_log, log_dir)
    assert run.name == "exp"
    assert run.source == "recorded"
    assert run.skipped == run.restarts == ()
    assert dataclasses.replace(run.card, columns={}) == dataclasses.replace(CARD, columns={})
    np.testing.assert_allclose(run.steps["loss"].values, 1 / np.arange(1, 11), rtol=1e-6)
    assert run.steps["loss"].written == 10
    assert run.steps["learning_rate"].steps.tolist() == [1, 6]
    assert run.layers.rows == CARD.rows
    assert run.layers.written == 2
    np.testing.assert_array_equal(run.layers.cell("fc/kernel", "gradient_norm"), [1, 6])
    np.testing.assert_array_equal(run.layers.cell("fc", "activation_std"), [np.inf, np.inf])
    np.testing.assert_array_equal(run.data.cell("x", "nonfinite"), [3, 3])
    np.testing.assert_allclose(run.targets.column("mean")[-1], [0.1, 0.9])
    assert run.epochs["loss"].values.tolist() == [0.3]
    assert np.isnan(run.epochs["val_loss"].values).all()
    assert [(event.step, event.kind, event.facts) for event in run.events] == [(10, "mark", {"text": "here"})]


def test_histograms_reach_a_run_with_names_and_edges_and_none_is_lost(open_log, tmp_path):
    tables = np.random.default_rng(0).dirichlet(np.ones(schema.BUCKETS), (150, 2)).astype(np.float16)
    with DiagnosticsWriter(tmp_path / "logs" / "exp", CARD) as writer:
        for step, (gradient, activation) in enumerate(tables, 1):
            writer.write_histograms(step, {"gradient": [gradient], "activation": [activation]})
    run = read(open_log, tmp_path / "logs")
    found = run.histograms
    assert run.skipped == ()
    assert found.steps.tolist() == list(range(1, 151))
    assert found.lines == (("fc/kernel", "gradient"), ("fc/kernel", "update"), ("fc", "activation"))
    np.testing.assert_array_equal(found.of_row("fc/kernel")["gradient"], tables[:, 0])
    assert np.isnan(found.of_row("fc/kernel")["update"]).all()
    np.testing.assert_array_equal(found.of_row("fc")["activation"], tables[:, 1])
    np.testing.assert_array_equal([found.low, found.high], schema.histogram_edges())


def test_histograms_of_another_shape_or_type_are_named_as_skipped(open_log, tmp_path):
    right = np.zeros((3, schema.BUCKETS), np.float16)
    events = [tensor(schema.CARD, 1, CARD_TEXT)]
    for step, value in enumerate((right, right[:2], right[:, 1:], right.astype(np.float32), right), 1):
        events.append(tensor(schema.HISTOGRAMS, step, value))
    write(tmp_path / "logs" / "exp" / "diagnostics", events)
    run = read(open_log, tmp_path / "logs")
    assert run.histograms.steps.tolist() == [1, 5]
    assert any("3 of 5 records skipped" in line and schema.HISTOGRAMS in line for line in run.skipped)


def test_two_events_of_one_step_are_both_kept_at_that_step(open_log, tmp_path):
    with DiagnosticsWriter(tmp_path / "logs" / "exp", CARD) as writer:
        writer.write_step(2, loss=1.0)
        writer.write_event(2, "no_gradient", rows=["fc/kernel"])
        writer.write_event(2, "mark", text="here")
        writer.write_event(9, "mark", text="there")
    events = read(open_log, tmp_path / "logs").events
    assert [(event.step, event.kind) for event in events] == [(2, "no_gradient"), (2, "mark"), (9, "mark")]


def test_the_newest_of_overlapping_writers_counts_in_every_tag(open_log, tmp_path):
    directory = tmp_path / "logs" / "exp" / "diagnostics"
    card, epoch = CARD_TEXT, schema.encode_json({"epoch": 0, "loss": 2.0})
    first = [tensor(schema.CARD, 1, card, wall=10), *steps(1, 2, 3, 4, 5, 6, 7, 8, wall=10)]
    first += [tensor(schema.EPOCHS, 4, epoch, wall=10), tensor(schema.EPOCHS, 8, epoch, wall=10)]
    write(directory, first, "events.out.tfevents.1.host")
    second = [tensor(schema.CARD, 5, card, wall=20), *steps(5, 6, wall=20)]
    second += [tensor(schema.EVENTS, 5, '{"kind":"restart"}', wall=20)]
    write(directory, second, "events.out.tfevents.2.host")
    run = read(open_log, tmp_path / "logs")
    assert run.steps["loss"].steps.tolist() == [1, 2, 3, 4, 5, 6]
    assert run.steps["loss"].written == 6
    assert run.epochs["loss"].steps.tolist() == [4]
    assert run.restarts == (5,)


def test_a_training_is_over_when_its_recording_was_closed(open_log, tmp_path):
    with DiagnosticsWriter(tmp_path / "logs" / "exp", CARD) as writer:
        writer.write_step(1, loss=2.0)
        writer.flush()
        assert not read(open_log, tmp_path / "logs").ended
        writer.write_step(2, loss=1.0)
    assert read(open_log, tmp_path / "logs").ended


def test_a_training_that_was_closed_and_goes_on_is_not_over(open_log, tmp_path):
    with DiagnosticsWriter(tmp_path / "logs" / "exp", CARD) as writer:
        for step in range(1, 9):
            writer.write_step(step, loss=2.0)
    with DiagnosticsWriter(tmp_path / "logs" / "exp", CARD) as writer:
        writer.write_step(5, loss=1.0)
        writer.flush()
        assert not read(open_log, tmp_path / "logs").ended
    assert read(open_log, tmp_path / "logs").ended


def test_a_repeated_step_counts_once(open_log, tmp_path):
    events = [tensor(schema.CARD, 1, CARD_TEXT), *steps(1, 2, 2, 3)]
    write(tmp_path / "logs" / "exp" / "diagnostics", events)
    assert read(open_log, tmp_path / "logs").steps["loss"].steps.tolist() == [1, 2, 3]


def test_without_a_card_the_steps_are_read_and_the_layers_are_named_as_skipped(open_log, tmp_path):
    write(tmp_path / "logs" / "exp" / "diagnostics", [*steps(1, 2), tensor(schema.LAYERS, 1, LAYERS)])
    run = read(open_log, tmp_path / "logs")
    assert run.card is None
    assert len(run.steps["loss"]) == 2
    assert run.layers is None
    assert any(schema.CARD in line for line in run.skipped)
    assert any(schema.LAYERS in line for line in run.skipped)


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"rows":[{"kind":"variable"}]}', '{"layers":5}', '{"columns":[]}'])
def test_a_card_that_is_no_card_is_named_as_skipped(open_log, tmp_path, text):
    write(tmp_path / "logs" / "exp" / "diagnostics", [tensor(schema.CARD, 1, text), *steps(1, 2)])
    run = read(open_log, tmp_path / "logs")
    assert run.card is None
    assert len(run.steps["loss"]) == 2
    assert any("1 of 1 records skipped" in line for line in run.skipped)


def test_a_card_nested_without_end_is_named_as_skipped(open_log, tmp_path):
    write(tmp_path / "logs" / "exp" / "diagnostics", [tensor(schema.CARD, 1, "[" * 100_000), *steps(1)])
    assert any("1 of 1 records skipped" in line for line in read(open_log, tmp_path / "logs").skipped)


def test_a_card_with_a_number_for_a_name_is_named_as_skipped(open_log, tmp_path):
    text = schema.encode_json({"rows": [{"name": 7, "kind": "variable"}]})
    write(tmp_path / "logs" / "exp" / "diagnostics", [tensor(schema.CARD, 1, text), *steps(1)])
    assert any("7 where a name should be" in line for line in read(open_log, tmp_path / "logs").skipped)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(LAYERS.astype(np.float64), id="float64"),
        pytest.param(LAYERS[:, :3], id="columns missing"),
        pytest.param(LAYERS[:1], id="rows missing"),
        pytest.param(LAYERS[0], id="rank 1"),
        pytest.param(np.zeros((0, 16), np.float32), id="empty"),
        pytest.param("text", id="text"),
    ],
)
def test_a_layer_record_of_another_type_or_shape_is_left_out_and_the_others_stay(open_log, tmp_path, value):
    events = [tensor(schema.CARD, 1, CARD_TEXT), *steps(1, 2, 3)]
    events += [tensor(schema.LAYERS, 1, LAYERS), tensor(schema.LAYERS, 2, value), tensor(schema.LAYERS, 3, LAYERS)]
    write(tmp_path / "logs" / "exp" / "diagnostics", events)
    run = read(open_log, tmp_path / "logs")
    assert run.layers.steps.tolist() == [1, 3]
    assert [line for line in run.skipped if "1 of 3 records skipped" in line]


def test_a_tensor_that_tensorboard_cannot_decode_is_left_out_alone(open_log, tmp_path):
    events = [tensor(schema.CARD, 1, CARD_TEXT), *steps(1, 2)]
    events += [tensor(schema.LAYERS, 1, bfloat16()), tensor(schema.LAYERS, 2, LAYERS)]
    write(tmp_path / "logs" / "exp" / "diagnostics", events)
    run = read(open_log, tmp_path / "logs")
    assert len(run.steps["loss"]) == 2
    assert run.layers.steps.tolist() == [2]
    assert [line for line in run.skipped if line.startswith(f"{schema.LAYERS}: 1 of 2 records skipped (type 14")]


def test_targets_keep_the_row_count_of_the_newest_record(open_log, tmp_path):
    classes = [np.zeros((rows, len(schema.TARGET_COLUMNS)), np.float32) for rows in (3, 2, 2)]
    events = [tensor(schema.CARD, 1, CARD_TEXT)]
    events += [tensor(schema.TARGETS, step, value) for step, value in enumerate(classes, 1)]
    write(tmp_path / "logs" / "exp" / "diagnostics", events)
    run = read(open_log, tmp_path / "logs")
    assert run.targets.steps.tolist() == [2, 3]
    assert len(run.targets.rows) == 2


@pytest.mark.parametrize("text", ["{}", '{"kind":5}', "nonsense"])
def test_an_event_without_a_kind_is_left_out(open_log, tmp_path, text):
    events = [tensor(schema.EVENTS, 1, text), tensor(schema.EVENTS, 2, '{"kind":"mark"}')]
    write(tmp_path / "logs" / "exp" / "diagnostics", events)
    assert [event.step for event in read(open_log, tmp_path / "logs").events] == [2]


@pytest.mark.parametrize("step", ["-1", "1.5", "true", '"x"', "null", "9" * 30, "9" * 6000])
def test_an_event_at_no_step_is_left_out_by_name(open_log, tmp_path, step):
    text = '{"kind":"mark","step":' + step + "}"
    write(tmp_path / "logs" / "exp" / "diagnostics", [tensor(schema.EVENTS, 1, text), tensor(schema.EVENTS, 2, MARK)])
    run = read(open_log, tmp_path / "logs")
    assert [event.step for event in run.events] == [2]
    assert any("1 of 2 records skipped (an event at step" in line for line in run.skipped)


def test_an_endless_number_of_an_event_is_left_out_by_name_and_the_event_stays(open_log, tmp_path):
    text = '{"kind":"cost","share":1' + "0" * 400 + ',"samples":5}'
    write(tmp_path / "logs" / "exp" / "diagnostics", [tensor(schema.EVENTS, 1, text)])
    run = read(open_log, tmp_path / "logs")
    assert [event.facts for event in run.events] == [{"samples": 5}]
    assert any(line.startswith(f"{schema.EVENTS}: share left out (1000") for line in run.skipped)


def test_epoch_metrics_that_are_no_numbers_are_named_as_left_out(open_log, tmp_path):
    text = '{"epoch":0,"loss":1.5,"name":"x","huge":1' + "0" * 400 + "}"
    write(tmp_path / "logs" / "exp" / "diagnostics", [tensor(schema.EPOCHS, step, text) for step in (5, 10)])
    run = read(open_log, tmp_path / "logs")
    assert run.epochs["loss"].steps.tolist() == [5, 10]
    [line] = [line for line in run.skipped if line.startswith(schema.EPOCHS)]
    assert "huge left out" in line
    assert line.endswith(", and 1 more")


def test_an_endless_plan_is_left_out_by_name_and_the_card_stays(open_log, tmp_path):
    text = schema.encode_json({**CARD.to_dict(), "epochs": 10**400, "steps_per_epoch": 16})
    write(tmp_path / "logs" / "exp" / "diagnostics", [tensor(schema.CARD, 1, text), *steps(1, 2)])
    run = read(open_log, tmp_path / "logs")
    assert (run.card.epochs, run.card.steps_per_epoch, run.card.rows) == (None, 16, CARD.rows)
    assert any(line.startswith(f"{schema.CARD}: epochs left out (1000") for line in run.skipped)


@pytest.mark.parametrize("tag", [schema.STEPS, schema.LAYERS, schema.EVENTS, schema.EPOCHS, schema.CARD])
def test_records_at_negative_steps_are_skipped_by_name(open_log, tmp_path, tag):
    value = {schema.STEPS: step_record(1, loss=1.0), schema.LAYERS: LAYERS, schema.EVENTS: MARK, schema.CARD: CARD_TEXT}
    value = value.get(tag, '{"loss":1.0}')
    events = [tensor(tag, step, value) for step in (-(2**63), -5, 3)]
    if tag != schema.CARD:
        events = [tensor(schema.CARD, 1, CARD_TEXT), *events]
    write(tmp_path / "logs" / "exp" / "diagnostics", events)
    run = read(open_log, tmp_path / "logs")
    assert f"{tag}: 2 of 3 records skipped (step {-(2**63)}, not in 0 … 2^53 - 1)" in run.skipped
    assert run.card is not None


@pytest.mark.parametrize("wall", [1e300, -1e300, -1.0, 1.79e18])
def test_a_time_that_no_calendar_has_is_not_the_time_of_the_run(open_log, tmp_path, wall):
    events = [tensor(schema.CARD, 1, CARD_TEXT, wall=10), *steps(1, 2, wall=20), *steps(3, first=3, wall=wall)]
    write(tmp_path / "logs" / "exp" / "diagnostics", events)
    run = read(open_log, tmp_path / "logs")
    assert run.steps["loss"].steps.tolist() == [1, 2, 3]
    assert run.wall_time == 20


@pytest.mark.parametrize("wall", [np.nan, np.inf, -np.inf])
def test_a_record_written_at_no_time_is_damage(open_log, tmp_path, wall):
    events = [tensor(schema.CARD, 1, CARD_TEXT), *steps(1, 2), *steps(3, first=3, wall=wall), *steps(4, first=4)]
    path = write(tmp_path / "logs" / "exp" / "diagnostics", events)
    run = read(open_log, tmp_path / "logs")
    assert run.steps["loss"].steps.tolist() == [1, 2]
    [note] = run.skipped
    assert note.startswith(f"{path.name}: damaged at byte")


def test_a_gap_in_the_numbers_of_the_steps_is_told(open_log, tmp_path):
    events = [tensor(schema.CARD, 1, CARD_TEXT), *steps(1, 2)]
    events += [tensor(schema.STEPS, step, step_record(step, loss=1.0)) for step in (7, 8)]
    write(tmp_path / "logs" / "exp" / "diagnostics", events)
    assert read(open_log, tmp_path / "logs").skipped == ("lossdiag/steps: 4 of 8 records are there",)


@pytest.mark.parametrize("sequence", [-5.0, 1e38, np.inf, 0.0])
def test_a_number_that_no_writer_comes_to_counts_nothing(open_log, tmp_path, sequence):
    events = [tensor(schema.CARD, 1, CARD_TEXT), *steps(1, 2)]
    write(
        tmp_path / "logs" / "exp" / "diagnostics", [*events, tensor(schema.STEPS, 3, step_record(sequence, loss=1.0))]
    )
    run = read(open_log, tmp_path / "logs")
    assert run.steps["loss"].written == 3
    assert run.skipped == ()


CLOCKS = {
    "set back": lambda record: -3600.0 if record > 20 else 0.0,
    "set forth": lambda record: 3e7 if record > 20 else 0.0,
    "set forth and back": lambda record: 3e7 if 20 < record < 40 else -100.0,
    "set back again and again": lambda record: -3600.0 * (record // 10),
    "standing still": lambda record: -float(record),
}


@pytest.mark.parametrize("clock", CLOCKS.values(), ids=CLOCKS)
def test_no_record_is_lost_whatever_the_clock_does_meanwhile(open_log, tmp_path, monkeypatch, clock):
    with DiagnosticsWriter(tmp_path / "logs" / "exp", CARD) as writer:
        for step in range(1, 61):
            monkeypatch.setattr(time, "time", lambda step=step: 1.79e9 + step + clock(step))
            writer.write_layers(step, {"gradient_norm": [step, np.nan]})
            writer.write_step(step, loss=1 / step)
            writer.write_epoch(step, step, {"loss": 1 / step})
    run = read(open_log, tmp_path / "logs")
    assert run.steps["loss"].steps.tolist() == run.epochs["loss"].steps.tolist() == list(range(1, 61))
    assert run.layers.steps.tolist() == list(range(1, 61))
    assert run.skipped == run.restarts == ()


@pytest.mark.parametrize("behind", [0.0, 3600.0, -3600.0, 3e8])
@pytest.mark.parametrize("resumed_at", [1, 31, 61])
def test_a_training_that_goes_on_elsewhere_overwrites_by_step_whatever_the_clock_there_says(
    open_log, tmp_path, monkeypatch, behind, resumed_at
):
    def train(first, last, seconds, layers):
        monkeypatch.setattr(time, "time", lambda: seconds)
        with DiagnosticsWriter(tmp_path / "logs" / "exp", CARD) as writer:
            for step in range(first, last):
                if layers:
                    writer.write_layers(step, {"gradient_norm": [step, np.nan]})
                    writer.write_histograms(step, {})
                    writer.write_epoch(step, step, {"loss": 1.0})
                writer.write_step(step, loss=float(layers))

    train(1, 61, 1.79e9, layers=True)
    train(resumed_at, 71, 1.79e9 - behind, layers=False)
    run = read(open_log, tmp_path / "logs")
    kept = list(range(1, resumed_at))
    assert run.steps["loss"].steps.tolist() == list(range(1, 71))
    assert run.steps["loss"].values.tolist() == [1.0] * len(kept) + [0.0] * (71 - resumed_at)
    for part in (run.layers, run.histograms, run.epochs.get("loss")):
        assert ([] if part is None else part.steps.tolist()) == kept
    assert run.restarts == (resumed_at,)
    assert run.skipped == ()


def test_an_older_log_of_one_writer_loses_nothing_to_a_clock_that_was_set_back(open_log, tmp_path):
    events = [tensor(schema.CARD, 1, CARD_TEXT, wall=5000), *steps(1, 2, wall=5001), *steps(3, 4, first=3, wall=1400)]
    write(tmp_path / "logs" / "exp" / "diagnostics", events)
    assert read(open_log, tmp_path / "logs").steps["loss"].steps.tolist() == [1, 2, 3, 4]


def test_epoch_metrics_that_are_no_numbers_are_left_out(open_log, tmp_path):
    text = '{"epoch":0,"loss":1.5,"name":"x","flag":true,"list":[1],"nan":NaN,"huge":1' + "0" * 400 + "}"
    write(tmp_path / "logs" / "exp" / "diagnostics", [tensor(schema.EPOCHS, 5, text)])
    assert sorted(read(open_log, tmp_path / "logs").epochs) == ["loss", "nan"]


@pytest.mark.parametrize(
    "card",
    [
        tensor(schema.CARD, 1, CARD_TEXT, content=b"2"),
        tensor(schema.CARD, 1, schema.encode_json({"version": 2, "rows": "no longer a list"})),
    ],
    ids=["in the metadata", "in the card"],
)
def test_a_newer_format_is_refused_by_name(open_log, tmp_path, card):
    write(tmp_path / "logs" / "exp" / "diagnostics", [card, *steps(1)])
    with pytest.raises(schema.NewerFormat, match="format version 2"):
        read(open_log, tmp_path / "logs")


def test_a_version_that_is_no_number_is_named_and_read_on(open_log, tmp_path):
    events = [tensor(schema.CARD, 1, CARD_TEXT, content=b"\xff?"), *steps(1)]
    write(tmp_path / "logs" / "exp" / "diagnostics", events)
    run = read(open_log, tmp_path / "logs")
    assert run.card is not None
    assert any("format version" in line for line in run.skipped)


def test_a_file_cut_short_is_read_as_far_as_it_goes(open_log, tmp_path):
    path = write(tmp_path / "logs" / "exp" / "diagnostics", [tensor(schema.CARD, 1, CARD_TEXT), *steps(*range(1, 51))])
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) - 200])
    run = read(open_log, tmp_path / "logs")
    assert 40 < len(run.steps["loss"]) < 50


def test_garbage_after_good_records_is_ignored(open_log, tmp_path):
    path = write(tmp_path / "logs" / "exp" / "diagnostics", [tensor(schema.CARD, 1, CARD_TEXT), *steps(1, 2, 3)])
    path.write_bytes(path.read_bytes() + np.random.default_rng(0).bytes(1000))
    assert len(read(open_log, tmp_path / "logs").steps["loss"]) == 3


def test_unknown_tags_under_our_name_are_ignored(open_log, tmp_path):
    events = [tensor(schema.CARD, 1, CARD_TEXT), *steps(1), tensor("lossdiag/later", 1, bfloat16())]
    write(tmp_path / "logs" / "exp" / "diagnostics", events)
    assert read(open_log, tmp_path / "logs").skipped == ()


def test_a_column_appended_by_a_later_writer_is_read_by_the_name_in_the_card(open_log, tmp_path):
    columns = (*schema.STEP_COLUMNS, "temperature")
    text = schema.encode_json({**CARD.to_dict(), "columns": {"steps": columns}})
    record = np.append(step_record(1, loss=2.0), np.float32(37.0))
    write(tmp_path / "logs" / "exp" / "diagnostics", [tensor(schema.CARD, 1, text), tensor(schema.STEPS, 1, record)])
    assert read(open_log, tmp_path / "logs").steps["temperature"].values.tolist() == [37.0]
