"""A watched loop has what a watched fit has: the flight recorder, chosen layers, findings on the way, and its cost."""

import threading

import numpy as np
import pytest
import torch
from recording.reading import Records
from torch import nn

from tb_lossdiag import diagnose, schema
from tb_lossdiag.recording import selection
from tb_lossdiag.recording.cadence import ALARM_EXECUTIONS
from tb_lossdiag.torch import watch
from tb_lossdiag.torch.watcher import PASSES_WITHOUT_STEP


class Nested(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 8)
        self.block = nn.Sequential(nn.Linear(8, 8), nn.Tanh())
        self.out = nn.Linear(8, 3)

    def forward(self, x):
        return self.out(self.block(self.first(x)))


def trained(log_dir, steps=6, rate=0.1, broken=None, stops=False, **options):
    """(weights, steps taken) of a loop that is watched with these options, or bare without any."""
    torch.manual_seed(0)
    model, criterion = Nested(), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), rate)
    x, y = torch.randn(512, 4), torch.randint(0, 3, (512,))
    watcher = watch(model, optimizer, log_dir, loss=criterion, **options) if options else None
    taken = 0
    while taken < steps and not (stops and watcher.should_stop):
        taken += 1
        part = torch.arange(8) + 8 * (taken % 64)
        optimizer.zero_grad()
        criterion(model(x[part] * (torch.nan if taken == broken else 1)), y[part]).backward()
        optimizer.step()
    if watcher:
        watcher.close()
    return [parameter.detach().numpy() for parameter in model.parameters()], taken


def test_the_losses_before_a_nan_are_written_and_the_next_steps_sampled(tmp_path):
    trained(tmp_path, steps=30, broken=26, every=1000)
    records = Records(tmp_path)
    [accident] = records.events("accident")
    assert (accident["step"], accident["reason"]) == (26, "nonfinite")
    assert [step for step, _ in accident["losses"]] == list(range(7, 27))
    assert np.isnan(accident["losses"][-1][1]) and np.isfinite([loss for _, loss in accident["losses"][:-1]]).all()
    assert records.steps(schema.LAYERS) == [1, *range(27, 27 + ALARM_EXECUTIONS)]


def test_what_recording_has_added_is_told_at_the_end(tmp_path):
    trained(tmp_path, steps=30, every=5)
    [cost] = Records(tmp_path).events("cost")
    assert cost["samples"] == 7 and cost["share"] >= 0


@pytest.mark.parametrize(("chosen", "layers"), [
    ({"include": "block/*"}, ["block/0", "block/1"]),
    ({"include": ["first", "block/1"]}, ["first", "block/1"]),
    ({"exclude": ["block/*"]}, ["first", "out"]),
    ({"include": "block/*", "exclude": "*/1"}, ["block/0"]),
])  # fmt: skip
def test_only_chosen_layers_have_rows_and_all_parameters_count(tmp_path, chosen, layers):
    weights, _ = trained(tmp_path / "chosen", every=1, **chosen)
    assert all(np.array_equal(a, b) for a, b in zip(weights, trained(None)[0], strict=True))
    trained(tmp_path / "all", every=1)
    some, whole = Records(tmp_path / "chosen"), Records(tmp_path / "all")
    assert list(dict.fromkeys(row.layer for row in some.card.rows)) == layers
    assert some.card.layers == whole.card.layers
    for row in some.card.rows:
        for column in schema.LAYER_COLUMNS:
            assert np.array_equal(some.cell(row.name, column), whole.cell(row.name, column), equal_nan=True)
    for column in ("gradient_norm", "update_norm", "weight_norm", "gradient_agreement"):
        assert some.column(column) == whole.column(column)
    assert {name: some.card.settings[name] for name in chosen} == {
        name: [value] if isinstance(value, str) else value for name, value in chosen.items()
    }


def test_of_too_many_rows_an_even_part_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(selection.spread, "__defaults__", (4,))
    trained(tmp_path, every=1)
    assert [row.name for row in Records(tmp_path).card.rows] == ["first/weight", "block/0/weight", "block/1", "out"]


def test_a_pattern_that_matches_no_layer_is_named_with_the_layers_there_are(tmp_path):
    with pytest.warns(RuntimeWarning, match="include='encoder/.*' matches no layer; there are first, block/0"):
        trained(tmp_path, include="encoder/*")


def test_a_callable_gets_each_cause_once_with_the_report_on_the_trainings_own_thread(tmp_path):
    told = []
    trained(tmp_path, 400, 0.0, on_finding=lambda *found: told.append((*found, threading.current_thread())))
    [(cause, report, thread)] = told
    assert cause.id == report.causes[0].id == "learning_rate_zero"
    assert thread is threading.current_thread()


def test_stop_tells_the_loop_to_stop_with_the_headline_the_fix_and_where_to_read_more(tmp_path):
    with pytest.warns(RuntimeWarning, match="Learning rate is zero.*The training stops here.*tensorboard --logdir"):
        _, taken = trained(tmp_path, 100_000, 0.0, stops=True, on_finding="stop")
    assert 0 < taken < 100_000


@pytest.mark.parametrize(("wrong", "error", "message"), [
    ({"include": 3}, TypeError, "include=3: expected a pattern"),
    ({"on_finding": "halt"}, ValueError, "on_finding='halt': expected None, 'warn', 'stop' or a callable"),
    ({"min_severity": "bad"}, ValueError, "min_severity='bad': expected one of 'critical', 'warning', 'note'"),
])  # fmt: skip
def test_wrong_arguments_are_refused_at_construction(tmp_path, wrong, error, message):
    with pytest.raises(error, match=message):
        trained(tmp_path, **wrong)


def test_backward_passes_without_a_step_are_told_and_no_longer_measured(tmp_path):
    model = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, tmp_path):
        for _ in range(PASSES_WITHOUT_STEP + 3):
            optimizer.zero_grad()
            model(torch.ones(8, 4)).mean().backward()
    assert Records(tmp_path).events("no_step") == [{"kind": "no_step", "step": 0, "passes": PASSES_WITHOUT_STEP}]
    (report,) = diagnose(tmp_path).values()
    assert report.first.id == "updates_not_applied" and "optimizer.step()" in report.first.fix.text


def test_backward_passes_of_another_model_are_no_missing_steps(tmp_path):
    model, other = nn.Linear(4, 1), nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, tmp_path):
        for _ in range(2 * PASSES_WITHOUT_STEP):
            other(torch.ones(8, 4)).mean().backward()
        model(torch.ones(8, 4)).mean().backward()
        optimizer.step()
    assert Records(tmp_path).events("no_step") == []


def test_the_loss_of_a_cut_graph_is_a_number_and_no_nan(tmp_path):
    """Its backward pass reaches no parameter, so nothing says that it is this model's; it is all that is known."""
    torch.manual_seed(0)
    model = Nested()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, tmp_path):
        for _ in range(60):
            x, y = torch.randn(16, 4), torch.randint(0, 3, (16,))
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x).detach().requires_grad_(True), y).backward()
            optimizer.step()
    losses = Records(tmp_path).column("loss")
    assert len(losses) == 60 and np.isfinite(list(losses.values())).all()
    report = next(iter(diagnose(tmp_path).values()))
    assert report.verdict.state != "nonfinite" and report.causes[0].id == "disconnected_graph"


def test_a_function_called_behind_a_product_bends_the_layer_in_front(tmp_path):
    class Graph(nn.Module):
        """Three rounds of averaging over neighbours."""

        def __init__(self):
            super().__init__()
            self.rounds = nn.ModuleList([nn.Linear(8, 8) for _ in range(3)])
            self.register_buffer("near", torch.full((16, 16), 1 / 16))

        def forward(self, x):
            for one in self.rounds:
                x = torch.relu(self.near @ one(x))
            return x

    model = Graph()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, tmp_path):
        for _ in range(3):
            optimizer.zero_grad()
            nn.functional.mse_loss(model(torch.randn(16, 8)), torch.ones(16, 8)).backward()
            optimizer.step()
    assert [layer.activation for layer in Records(tmp_path).card.layers][:2] == ["unknown", "unknown"]


def test_the_kind_of_each_input_is_on_the_card(tmp_path):
    model = nn.Sequential(nn.Embedding(9, 4), nn.Flatten(), nn.Linear(20, 3))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, tmp_path):
        nn.functional.cross_entropy(model(torch.randint(0, 9, (6, 5))), torch.zeros(6, dtype=torch.long)).backward()
        optimizer.step()
    assert Records(tmp_path).card.settings["inputs"] == {"input": {"dtype": "int64", "shape": [5]}}


def test_a_last_layer_that_is_given_one_vector_is_recorded(tmp_path):
    """One bag of instances a step, and one answer for it."""
    torch.manual_seed(0)
    see, score, answer = nn.Linear(6, 8), nn.Linear(8, 2), nn.Linear(16, 2)
    model = nn.ModuleDict({"see": see, "score": score, "answer": answer})
    optimizer = torch.optim.SGD(model.parameters(), 0.1)

    class Bag(nn.Module):
        def __init__(self):
            super().__init__()
            self.parts = model

        def forward(self, x):
            h = torch.relu(see(x))
            return answer((torch.softmax(score(h), 0).T @ h).flatten())[None]

    bag = Bag()
    with watch(bag, optimizer, tmp_path):
        for step in range(8):
            optimizer.zero_grad()
            nn.functional.cross_entropy(bag(torch.randn(12, 6)), torch.tensor([step % 2])).backward()
            optimizer.step()
    records = Records(tmp_path)
    assert len(records.steps(schema.LAYERS)) == 8 and not records.events("failure")
    assert (records.card.batch_size, records.card.settings["mixing"]) == (1, [])
