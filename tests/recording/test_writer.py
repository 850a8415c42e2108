"""DiagnosticsWriter: names, shapes and steps are checked, and the files read back as TensorBoard reads them."""

import subprocess
import sys
import textwrap
from contextlib import contextmanager

import numpy as np
import pytest

from recording.reading import Records
from tb_lossdiag import DiagnosticsWriter, ModelCard, schema
from tb_lossdiag.run import Row

WRITES = """
import sys
from tb_lossdiag import DiagnosticsWriter

writer = DiagnosticsWriter(sys.argv[1])
writer.write_step(1, loss=1.0)
writer.flush()
print("written", flush=True)
sys.stdin.read()
"""
CARD = ModelCard(
    rows=(Row("fc/kernel", "variable", "fc"), Row("fc", "output", "fc")), data_rows=(Row("input:x", "input"),)
)


@contextmanager
def process_that_writes(directory):
    """Another process with a step in the directory, and more to come."""
    command = [sys.executable, "-c", WRITES, str(directory)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "written\n"
        yield process
        process.kill()


def test_what_is_written_reads_back(tmp_path):
    with DiagnosticsWriter(tmp_path, CARD) as writer:
        writer.write_step(1, loss=2.5, learning_rate=0.1)
        writer.write_layers(1, {"gradient_norm": [0.5, np.nan], "activation_std": [np.nan, 1.0]})
        writer.write_data(1, {"min": [-1.0]})
        writer.write_targets(1, {"mean": [0.25, 0.75]})
        writer.write_step(2, loss=np.inf)
        writer.write_epoch(2, 0, {"loss": 2.0, "val_loss": np.float32(3.0)})
        writer.write_event(2, "mark", text="here")
    records = Records(tmp_path)
    assert records.column("loss") == {1: 2.5, 2: np.inf}
    assert records.column("sequence") == {1: 1.0, 2: 2.0}
    assert records.cell("fc/kernel", "gradient_norm") == 0.5
    assert records.data("input:x", "min") == -1.0
    assert records.of(schema.TARGETS)[0][1][:, 0].tolist() == [0.25, 0.75]
    assert records.of(schema.EPOCHS) == [(2, {"epoch": 0, "loss": 2.0, "val_loss": 3.0})]
    assert records.events("mark") == [{"step": 2, "kind": "mark", "text": "here"}]


@pytest.mark.parametrize("order", [("step", "layers"), ("layers", "step")])
def test_a_step_record_knows_its_layer_record_in_either_order(tmp_path, order):
    with DiagnosticsWriter(tmp_path, CARD) as writer:
        for step in (3, 4):
            for what in order:
                if what == "step":
                    writer.write_step(step, loss=1.0)
                else:
                    writer.write_layers(step, {"gradient_norm": [1.0, np.nan]})
        writer.write_step(5, loss=1.0)
    counted = Records(tmp_path).column("layer_sequence")
    assert (counted[3], counted[4]) == (1.0, 2.0)
    assert np.isnan(counted[5])


def test_every_record_carries_the_plugin_name_the_version_and_its_class(tmp_path):
    with DiagnosticsWriter(tmp_path) as writer:
        writer.write_step(1, loss=1.0)
    for _, _, value in Records(tmp_path).values:
        assert value.metadata.plugin_data.plugin_name == schema.PLUGIN_NAME
        assert value.metadata.plugin_data.content == schema.metadata_content()
        assert value.metadata.data_class == 2


def test_the_card_comes_first_and_names_the_columns(tmp_path):
    with DiagnosticsWriter(tmp_path, CARD) as writer:
        writer.write_epoch(7, 0, {"loss": 1.0})
    records = Records(tmp_path)
    assert [tag for tag, _, _ in records.values] == [schema.CARD, schema.EPOCHS, schema.END]
    assert records.card.columns["layers"] == tuple(schema.LAYER_COLUMNS)
    assert records.of(schema.CARD)[0][1]["version"] == schema.VERSION


def test_a_flushed_record_is_in_the_file_while_the_writer_is_open(tmp_path):
    writer = DiagnosticsWriter(tmp_path, CARD)
    writer.write_step(1, loss=1.0)
    writer.flush()
    assert Records(tmp_path).column("loss") == {1: 1.0}
    writer.close()


def test_a_second_writer_in_the_directory_marks_a_restart(tmp_path):
    for first in (1, 6):
        with DiagnosticsWriter(tmp_path, CARD) as writer:
            writer.write_step(first, loss=1.0)
    records = Records(tmp_path)
    assert len(records.files) == 2
    assert [event["step"] for event in records.events("restart")] == [6]


def test_a_writer_beside_one_of_another_process_says_so_once_and_in_its_restart(tmp_path):
    with process_that_writes(tmp_path):
        with pytest.warns(RuntimeWarning, match="another process is recording into .*a directory of its own") as told:
            writer = DiagnosticsWriter(tmp_path, CARD)
        with writer:
            writer.write_step(3, loss=1.0)
    assert len(told) == 1 and told[0].filename == __file__
    assert Records(tmp_path).events("restart") == [{"step": 3, "kind": "restart", "cleared": True, "beside": True}]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda w: w.write_step(1, loss=2.0, lost=1.0), ValueError, "unknown value 'lost'; known: loss, penalty"),
        (lambda w: w.write_step(1, loss=2.0, sequence=1.0), ValueError, "unknown value 'sequence'"),
        (lambda w: w.write_step(1, learning_rate=0.1), TypeError, "'loss'"),
        (lambda w: w.write_step(1, loss=[1.0, 2.0]), ValueError, r"loss has shape \(2,\), expected one number"),
        (lambda w: w.write_step(0.5, loss=1.0), TypeError, "step=0.5: expected an int"),
        (lambda w: w.write_step(-1, loss=1.0), ValueError, "step=-1: expected 0 or more"),
        (lambda w: w.write_step(2**63, loss=1.0), ValueError, r"step=9223372036854775808: .* and 2\^53 - 1 at most"),
        (lambda w: w.write_layers(2**53, {"gradient_norm": [1, 2]}), ValueError, "step=9007199254740992"),
        (lambda w: w.write_losses([(2**63, 1.0, 1e9)]), ValueError, "step=9223372036854775808"),
        (lambda w: w.write_losses([(2, 1.0, 1e9)], rate=[0.1]), ValueError, "unknown value 'rate'; known: loss"),
        (
            lambda w: w.write_losses([(2, 1.0, 1e9)], learning_rate=[0.1, 0.2]),
            ValueError,
            "learning_rate has 2 numbers, expected 1",
        ),
        (lambda w: w.write_epoch(-1, 0, {"loss": 1.0}), ValueError, "step=-1: expected 0 or more"),
        (lambda w: w.write_event(2**63, "mark"), ValueError, "step=9223372036854775808"),
        (lambda w: w.write_layers(1, {"gradient_nrm": [1, 2]}), ValueError, "unknown column 'gradient_nrm'"),
        (lambda w: w.write_layers(1, {"gradient_norm": [1, 2, 3]}), ValueError, r"shape \(3,\), expected \(2,\)"),
        (lambda w: w.write_histograms(1, {"weight": []}), ValueError, "unknown quantity 'weight'; known: gradient"),
        (lambda w: w.write_histograms(1, {"gradient": [[0.5, 0.5]]}), ValueError, r"'gradient' has shape \(1, 2\)"),
        (lambda w: w.write_event(1, "boom"), ValueError, "unknown event kind 'boom'; known: no_step, no_gradient"),
    ],
)
def test_wrong_values_are_refused_by_name_and_leave_no_record(tmp_path, call, error, message):
    with DiagnosticsWriter(tmp_path, CARD) as writer, pytest.raises(error, match=message):
        call(writer)
    assert Records(tmp_path).values == []


def test_steps_have_to_increase_per_kind_of_record(tmp_path):
    with DiagnosticsWriter(tmp_path, CARD) as writer:
        writer.write_step(5, loss=1.0)
        writer.write_layers(2, {"gradient_norm": [1.0, np.nan]})
        with pytest.raises(ValueError, match="step=5: expected a step after 5"):
            writer.write_step(5, loss=1.0)


def test_a_table_without_rows_in_the_card_says_how_to_name_them(tmp_path):
    with DiagnosticsWriter(tmp_path) as writer, pytest.raises(ValueError, match=r"ModelCard\(rows=\(Row"):
        writer.write_layers(1, {"gradient_norm": [1.0]})


def test_a_closed_writer_refuses_and_closing_twice_is_harmless(tmp_path):
    writer = DiagnosticsWriter(tmp_path)
    writer.close()
    writer.close()
    with pytest.raises(ValueError, match="the writer is closed"):
        writer.write_step(1, loss=1.0)


@pytest.mark.parametrize(("log_dir", "error"), [(None, TypeError), (7, TypeError), ("", ValueError)])
def test_a_wrong_directory_is_refused_at_construction(log_dir, error):
    with pytest.raises(error, match="log_dir="):
        DiagnosticsWriter(log_dir)


def test_a_wrong_card_is_refused_at_construction(tmp_path):
    with pytest.raises(TypeError, match=r"card=.*expected a ModelCard or None, got dict"):
        DiagnosticsWriter(tmp_path, {"rows": []})


def test_it_works_where_tensorflow_cannot_be_imported(tmp_path):
    script = f"""
        import sys
        class Blocked:
            def find_spec(self, name, path=None, target=None):
                if name.split(".")[0] in ("tensorflow", "keras"):
                    raise ImportError(name)
        sys.meta_path.insert(0, Blocked())
        from tb_lossdiag import DiagnosticsWriter, ModelCard
        from tb_lossdiag.run import Row
        with DiagnosticsWriter({str(tmp_path)!r}, card=ModelCard(rows=(Row("w", "variable"),))) as writer:
            for step in range(1, 4):
                writer.write_step(step, loss=1.0 / step)
                writer.write_layers(step, {{"gradient_norm": [float(step)]}})
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=True, capture_output=True, text=True)
    assert Records(tmp_path).cell("w", "gradient_norm").tolist() == [1.0, 2.0, 3.0]


def test_histograms_are_two_bytes_a_bucket_and_read_back(tmp_path):
    line = np.zeros(schema.BUCKETS)
    line[[3, schema.ZERO_BUCKET]] = 0.25, 0.75
    with DiagnosticsWriter(tmp_path, CARD) as writer:
        writer.write_histograms(1, {"gradient": [line], "activation": [line[::-1]]})
    [(step, table)] = Records(tmp_path).of(schema.HISTOGRAMS)
    assert (step, table.dtype, table.shape) == (1, np.float16, (3, schema.BUCKETS))
    np.testing.assert_array_equal(table[0], line)
    assert np.isnan(table[1]).all()  # the update was not given
    np.testing.assert_array_equal(table[2], line[::-1])
    assert Records(tmp_path).values[-1][2].tensor.ByteSize() < 2 * table.size + 30


def test_losses_written_together_read_like_single_steps(tmp_path):
    with DiagnosticsWriter(tmp_path, CARD) as writer:
        writer.write_step(1, loss=3.0)
        writer.write_losses([(2, 2.5, 1e9), (4, np.nan, 1e9 + 1)])
        writer.write_losses([])
        writer.write_step(5, loss=2.0)
    records = Records(tmp_path)
    np.testing.assert_equal(records.column("loss"), {1: 3.0, 2: 2.5, 4: np.nan, 5: 2.0})
    assert records.column("sequence") == {1: 1.0, 2: 2.0, 4: 3.0, 5: 4.0}


def test_losses_written_together_may_have_their_rates_and_scales(tmp_path):
    with DiagnosticsWriter(tmp_path, CARD) as writer:
        writer.write_step(1, loss=3.0, learning_rate=0.5)
        writer.write_losses([(2, 2.5, 1e9), (3, 2.0, 1e9)], learning_rate=[0.25, None], loss_scale=[None, 1e300])
    records = Records(tmp_path)
    assert records.column("loss") == {1: 3.0, 2: 2.5, 3: 2.0}
    np.testing.assert_equal(records.column("learning_rate"), {1: 0.5, 2: 0.25, 3: np.nan})
    np.testing.assert_equal(records.column("loss_scale"), {1: np.nan, 2: np.nan, 3: np.inf})


def test_losses_before_the_last_step_are_refused(tmp_path):
    with DiagnosticsWriter(tmp_path, CARD) as writer:
        writer.write_step(3, loss=3.0)
        with pytest.raises(ValueError, match="step=3: expected a step after 3"):
            writer.write_losses([(3, 2.5, 1e9)])


def test_the_last_step_that_a_page_can_tell_is_written(tmp_path):
    with DiagnosticsWriter(tmp_path) as writer:
        writer.write_step(2**53 - 1, loss=1.0)
    assert Records(tmp_path).column("loss") == {2**53 - 1: 1.0}


def test_losses_out_of_order_are_refused(tmp_path):
    with DiagnosticsWriter(tmp_path) as writer, pytest.raises(ValueError, match="step=3: expected a step after 4"):
        writer.write_losses([(2, 1.0, 1e9), (4, 1.0, 1e9), (3, 1.0, 1e9)])


def test_numbers_beyond_32_bits_are_written_as_infinite_and_without_a_warning(tmp_path):
    with DiagnosticsWriter(tmp_path, CARD) as writer:
        writer.write_step(1, loss=1e300)
        writer.write_layers(1, {"gradient_norm": [1e300, -1e300]})
    assert Records(tmp_path).column("loss") == {1: np.inf}
    assert Records(tmp_path).cell("fc/kernel", "gradient_norm") == np.inf


def test_the_end_says_how_much_there_is_of_each_kind(tmp_path):
    with DiagnosticsWriter(tmp_path, CARD) as writer:
        writer.write_step(5, loss=1.0)
        writer.write_layers(5, {"gradient_norm": [1.0, np.nan]})
        writer.write_losses([(6, 1.0, 1e9), (7, 1.0, 1e9)])
        writer.write_epoch(7, 0, {"loss": 1.0})
        writer.write_event(7, "mark")
        writer.write_event(7, "mark")
    [(step, end)] = Records(tmp_path).of(schema.END)
    counts = {schema.CARD: 1, schema.STEPS: 3, schema.LAYERS: 1, schema.EPOCHS: 1, schema.EVENTS: 2}
    assert (step, end) == (8, {"first": 5, "records": counts})


def test_a_writer_that_wrote_nothing_says_nothing(tmp_path):
    DiagnosticsWriter(tmp_path).close()
    assert Records(tmp_path).values == []


def test_a_writer_that_goes_on_takes_every_tag_over(tmp_path):
    for first in (1, 6):
        with DiagnosticsWriter(tmp_path, CARD) as writer:
            writer.write_step(first, loss=1.0)
    taken = {tag for tag, step, value in Records(tmp_path).values if step == 6}
    assert taken >= {*schema.TENSOR_TAGS, schema.CARD, schema.EPOCHS, schema.EVENTS}
    [event] = Records(tmp_path).events("restart")
    assert event["cleared"] is True


def test_a_relative_directory_is_where_it_was_at_construction(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    writer = DiagnosticsWriter("run")
    monkeypatch.chdir(tmp_path / "elsewhere")
    writer.write_step(1, loss=1.0)
    writer.close()
    assert Records(tmp_path / "run").column("loss") == {1: 1.0}


def test_a_home_directory_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    with DiagnosticsWriter("~/run") as writer:
        writer.write_step(1, loss=1.0)
    assert Records(tmp_path / "run").column("loss") == {1: 1.0}


@pytest.mark.parametrize("url", ["nowhere://run", "https://host/run", "gs:/bucket/run"])
def test_a_url_that_cannot_be_written_is_refused_at_construction_and_leaves_no_directory(tmp_path, monkeypatch, url):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=f"log_dir='{url}'"):
        DiagnosticsWriter(url)
    assert list(tmp_path.iterdir()) == []
