import argparse
import struct

import numpy as np
import pytest
import werkzeug.test
from event_files import scalars, step_record, tensor, write
from tensorboard.backend import application
from tensorboard.plugins import base_plugin

from tb_lossdiag import schema
from tb_lossdiag.cli import diagnose
from tb_lossdiag.diagnosis.markdown import to_markdown
from tb_lossdiag.logs.provider import open_log as open_with_python
from tb_lossdiag.plugin import LossDiagLoader, assets
from tb_lossdiag.recording.writer import DiagnosticsWriter
from tb_lossdiag.run import LayerCard, ModelCard, Row

CARD = ModelCard(
    layers=(LayerCard("fc", "Dense", "relu"),),
    rows=(Row("fc/kernel", "variable", "fc"), Row("fc", "output", "fc")),
)
HOSTILE = "<img src=x onerror=alert(1)> & 'ünï'"


def client(log, path_prefix=""):
    flags = argparse.Namespace(logdir="", samples_per_plugin={}, window_title="", path_prefix=path_prefix)
    wsgi = application.TensorBoardWSGIApp(flags, [LossDiagLoader], log.provider)
    return werkzeug.test.Client(wsgi)


def get(browser, route, prefix="", **query):
    return browser.get(f"{prefix}/data/plugin/lossdiag/{route}", query_string=query)


@pytest.fixture(scope="module")
def log_dir(tmp_path_factory):
    """A recorded run, one that turns NaN, a hostile name, a plain scalar log, a newer format."""
    log_dir = tmp_path_factory.mktemp("routes") / "logs"
    for name in ("exp", HOSTILE):
        with DiagnosticsWriter(log_dir / name, CARD) as writer:
            for step in range(1, 41):
                writer.write_layers(step, {"gradient_norm": [1 / step, np.nan], "update_ratio": [1e-3, np.nan]})
                if step in (1, 40):
                    line = np.eye(schema.BUCKETS)[[step]]
                    writer.write_histograms(step, {"gradient": line, "activation": line / 2})
                writer.write_step(step, loss=2 / step, learning_rate=0.1, gradient_norm=1 / step, gradient_nonfinite=0)
    with DiagnosticsWriter(log_dir / "nan", CARD) as writer:
        for step in range(1, 41):
            loss = 1.0 if step < 20 else np.nan
            writer.write_step(step, loss=loss, learning_rate=0.1, gradient_norm=loss, gradient_nonfinite=step >= 20)
    write(log_dir / "plain" / "train", scalars("epoch_loss", np.linspace(2, 1, 20)))
    write(log_dir / "newer" / "diagnostics", [tensor(schema.STEPS, 1, step_record(1, loss=1), content=b"99")])
    return log_dir


@pytest.fixture
def browser(log_dir):
    return client(open_with_python(log_dir))


def test_runs_are_listed_worst_first(log_dir, open_log):
    response = get(client(open_log(log_dir)), "runs")
    assert response.content_type == "application/json"
    runs = response.json["runs"]
    assert {run["name"] for run in runs} == {"exp", HOSTILE, "nan", "plain", "newer"}
    assert runs[0]["name"] == "nan"
    assert runs[0]["state"] == "nonfinite"
    severities = ["critical", "warning", "note", "none"]
    assert sorted(runs, key=lambda run: severities.index(run["severity"])) == runs
    by_name = {run["name"]: run for run in runs}
    assert by_name["plain"]["source"] == "scalars"
    assert by_name["exp"]["source"] == "recorded"
    assert by_name["exp"]["last_step"] == 40
    assert by_name["exp"]["problem"] == ""
    assert by_name["exp"]["wall_time"] > 1e9
    assert "format version 99" in by_name["newer"]["problem"]
    assert (by_name["newer"]["state"], by_name["newer"]["severity"]) == ("inconclusive", "none")


def test_the_report_is_the_same_through_both_loaders_and_from_python(log_dir, open_log):
    browser = client(open_log(log_dir))
    reports = diagnose(log_dir)
    assert sorted(reports) == sorted(["exp", HOSTILE, "nan", "plain", "newer"])
    for name, report in reports.items():
        assert get(browser, "report", run=name).data == report.to_json().encode()


def test_the_report_for_an_issue_is_the_one_python_writes(log_dir, browser):
    reports = diagnose(log_dir)
    for name in ("nan", HOSTILE):
        response = get(browser, "report.md", run=name)
        assert response.text == to_markdown(reports[name])
        assert response.content_type.startswith("text/markdown")
        assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_a_report_on_a_newer_format_says_what_to_do(browser):
    report = get(browser, "report", run="newer").json
    assert report["verdict"]["state"] == "inconclusive"
    assert "pip install -U" in report["verdict"]["headline"]


def test_a_name_that_is_no_text_still_makes_a_report(tmp_path):
    card = ModelCard(layers=(LayerCard("x\ud800", "Dense"),), rows=(Row("x\ud800/kernel", "variable", "x\ud800"),))
    with DiagnosticsWriter(tmp_path / "exp", card) as writer:
        for step in range(1, 41):
            writer.write_layers(step, {"gradient_nonfinite": [step > 20], "gradient_norm": [1.0]})
            writer.write_step(step, loss=1.0, learning_rate=0.1, gradient_nonfinite=step > 20)
    browser = client(open_with_python(tmp_path))
    response = get(browser, "report", run="exp")
    assert response.status_code == 200
    assert b"x\\ud800" in response.data
    assert get(browser, "layers", run="exp").json["rows"][0]["layer"] == "x\ud800"


def test_series_write_values_that_are_no_numbers_as_strings(browser):
    payload = get(browser, "series", run="nan").json
    assert payload["step_unit"] == "step"
    loss = next(series for series in payload["series"] if series["id"] == "loss")
    assert loss["values"][:2] == [1.0, 1.0]
    assert loss["values"][-1] == "NaN"
    assert (loss["shown"], loss["written"]) == (40, 40)


def test_layers_and_their_matrix_agree(browser):
    layers = get(browser, "layers", run=HOSTILE).json
    assert layers["run"] == HOSTILE
    assert [statistic["id"] for statistic in layers["statistics"]] == ["gradient_norm", "update_ratio"]
    assert layers["statistics"][1]["healthy"] == 1e-3
    response = get(browser, "matrix", run=HOSTILE, statistic="gradient_norm", width=8)
    assert response.content_type == "application/octet-stream"
    assert struct.unpack_from("<3I", response.data) == (1, 8, layers["rows"][0]["index"])


def test_a_part_of_the_steps_is_answered_by_series_matrix_and_layer(browser):
    part = {"first": 10, "last": 20}
    assert get(browser, "series", run="exp", **part).json["series"][0]["steps"] == list(range(9, 22))
    matrix = get(browser, "matrix", run="exp", statistic="gradient_norm", width=100, **part).data
    assert struct.unpack_from("<2I", matrix) == (1, 13)
    layer = get(browser, "layer", run="exp", layer="fc", **part).json
    assert [chart["statistic"] for chart in layer["charts"]] == ["gradient_norm", "update_ratio"]
    assert layer["charts"][0]["series"][0]["label"] == "fc/kernel"
    assert layer["charts"][0]["series"][0]["steps"] == list(range(9, 22))


def test_runs_are_compared_with_the_first_that_is_named(browser):
    told = get(browser, "compare", run=["exp", "nan", "plain"]).json
    assert told["runs"] == ["exp", "nan", "plain"]
    assert [verdict["state"] for verdict in told["verdicts"]][1] == "nonfinite"
    assert all(len(finding["changes"]) == len(finding["standings"]) == 3 for finding in told["findings"])
    assert any(finding["changes"][1] == "appeared" for finding in told["findings"])
    assert told["statistics"] == []
    both = get(browser, "compare", run=["exp", HOSTILE]).json
    assert [statistic["id"] for statistic in both["statistics"]] == ["gradient_norm", "update_ratio"]
    assert both["statistics"][0].keys() == get(browser, "layers", run="exp").json["statistics"][0].keys()
    assert both["settings"] == []


def test_a_difference_has_the_layout_of_a_matrix(browser):
    response = get(browser, "difference", run=["exp", HOSTILE], statistic="gradient_norm", width=8)
    assert response.content_type == "application/octet-stream"
    assert struct.unpack_from("<3I", response.data) == (1, 8, 0)
    assert struct.unpack_from("<8f", response.data, len(response.data) - 32) == (0.0,) * 8


def test_the_setup_tells_what_was_recorded(browser):
    told = get(browser, "setup", run=HOSTILE).json
    assert told["run"] == HOSTILE
    assert {part["label"]: part["shown"] for part in told["recorded"]}["Layer statistics"] == 40
    assert get(browser, "setup", run="plain").json["groups"] == []


def test_histograms_of_a_row_are_served_through_both_loaders(log_dir, open_log):
    browser = client(open_log(log_dir))
    rows = get(browser, "layers", run=HOSTILE).json["rows"]
    found = {row["name"]: get(browser, "histograms", run=HOSTILE, row=row["index"]) for row in rows}
    assert found["fc"].content_type == "application/json"
    [gradient], [activation] = (found[name].json["quantities"] for name in ("fc/kernel", "fc"))
    assert (gradient["id"], activation["id"]) == ("gradient", "activation")
    assert gradient["steps"] == activation["steps"] == [1, 40]
    assert len(gradient["low"]) == 40 and gradient["shares"][1][-1] == 1.0
    assert activation["nonfinite"] == [0.5, 0.5]
    assert get(browser, "histograms", run="newer", row=0).status_code == 404


def test_a_scalar_log_has_curves_and_no_layers(browser):
    assert [series["id"] for series in get(browser, "series", run="plain").json["series"]] == ["epoch_loss"]
    assert get(browser, "series", run="plain").json["step_unit"] == "epoch"
    assert get(browser, "layers", run="plain").json["rows"] == []


@pytest.mark.parametrize(
    ("route", "query", "status", "named"),
    [
        ("report", {}, 400, "'run'"),
        ("series", {"run": ""}, 400, "'run'"),
        ("report.md", {"run": "exp2"}, 404, "exp2"),
        ("report", {"run": "exp/diagnostics"}, 404, "exp/diagnostics"),
        ("layers", {"run": "../exp"}, 404, "../exp"),
        ("series", {"run": HOSTILE + "x"}, 404, HOSTILE + "x"),
        ("series", {"run": "exp", "first": "5"}, 400, "'last'"),
        ("series", {"run": "exp", "first": "9", "last": "5"}, 400, "9"),
        ("series", {"run": "exp", "first": "-1", "last": "5"}, 400, "-1"),
        ("layer", {"run": "exp"}, 400, "'layer'"),
        ("layer", {"run": "exp", "layer": "<b>"}, 404, "<b>"),
        ("layer", {"run": "plain", "layer": "fc"}, 404, "fc"),
        ("layer", {"run": "exp", "layer": "fc", "first": "0", "last": "1" * 19}, 400, "1" * 19),
        ("setup", {"run": "exp2"}, 404, "exp2"),
        ("compare", {"run": "exp"}, 400, "1 runs"),
        ("compare", {"run": ["exp"] * 9}, 400, "9 runs"),
        ("compare", {"run": ["exp", "exp"]}, 400, "'exp'"),
        ("compare", {"run": ["exp", "<b>"]}, 404, "<b>"),
        ("difference", {"run": ["exp", "nan", "plain"], "statistic": "x", "width": "8"}, 400, "3 runs"),
        ("difference", {"run": ["exp", "plain"], "statistic": "gradient_norm", "width": "8"}, 404, "plain"),
        ("difference", {"run": ["exp", "nan"], "width": "0"}, 400, "'0'"),
        ("matrix", {"run": "exp", "statistic": "gradient_norm"}, 400, "'width'"),
        ("matrix", {"run": "exp", "statistic": "gradient_norm", "width": "8", "first": "1.5", "last": "2"}, 400, "1.5"),
        ("matrix", {"run": "exp", "width": "8"}, 400, "'statistic'"),
        ("matrix", {"run": "exp", "statistic": "<b>", "width": "8"}, 404, "<b>"),
        ("matrix", {"run": "plain", "statistic": "gradient_norm", "width": "8"}, 404, "gradient_norm"),
        ("histograms", {"run": "exp"}, 400, "'row'"),
        ("histograms", {"row": "0"}, 400, "'run'"),
        ("histograms", {"run": "nope", "row": "0"}, 404, "nope"),
        ("histograms", {"run": "exp", "row": "2"}, 404, "'2'"),
        ("histograms", {"run": "plain", "row": "0"}, 404, "'0'"),
        *(("histograms", {"run": "exp", "row": row}, 400, row) for row in ("-1", "fc", "1.0", "٣", "9" * 5000)),
        *(
            ("matrix", {"run": "exp", "statistic": "gradient_norm", "width": width}, 400, width)
            for width in ("0", "4097", "-1", "1e3", "8.0", "٣", "9" * 5000)
        ),
    ],
)
def test_a_wrong_request_is_refused_in_plain_text_that_names_it(browser, route, query, status, named):
    response = get(browser, route, **query)
    assert response.status_code == status
    assert response.content_type.startswith("text/plain")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert named in response.text


ROUTES = {
    "runs": {},
    "report": {"run": "exp"},
    "report.md": {"run": "exp"},
    "series": {"run": "exp", "first": "1", "last": "9"},
    "layers": {"run": "exp"},
    "layer": {"run": "exp", "layer": "fc", "first": "1", "last": "9"},
    "setup": {"run": "exp"},
    "matrix": {"run": "exp", "statistic": "gradient_norm", "width": "8", "first": "1", "last": "9"},
    "compare": {"run": ["exp", "nan"]},
    "difference": {"run": ["exp", HOSTILE], "statistic": "gradient_norm", "width": "8"},
    "histograms": {"run": "exp", "row": "0"},
    "index.js": {},
}


@pytest.fixture
def built(tmp_path, monkeypatch):
    """A frontend, whether or not one was built here."""
    (tmp_path / "index.js").write_text("export function render() {}")
    monkeypatch.setattr(assets.asset_routes, "__defaults__", (tmp_path,))


def test_every_route_is_in_the_table_above(log_dir, built):
    flags = argparse.Namespace(samples_per_plugin={})
    plugin = LossDiagLoader().load(base_plugin.TBContext(data_provider=open_with_python(log_dir).provider, flags=flags))
    assert plugin.get_plugin_apps().keys() == {f"/{route}" for route in ROUTES}


@pytest.mark.parametrize(("route", "query"), ROUTES.items(), ids=ROUTES)
@pytest.mark.parametrize("name", ["frist", "RUN", "run[]", "_", "", "<b>", "tag"])
def test_an_unknown_parameter_is_refused_by_its_name(log_dir, built, route, query, name):
    browser = client(open_with_python(log_dir))
    assert get(browser, route, **query).status_code == 200
    response = get(browser, route, **query, **{name: "1"})
    assert response.status_code == 400
    assert response.text == f"Invalid argument: unknown parameter {name!r}"
    assert response.content_type.startswith("text/plain")


@pytest.mark.parametrize(
    ("route", "name"),
    [(route, name) for route, query in ROUTES.items() for name in query if route not in ("compare", "difference")]
    + [("difference", "statistic"), ("difference", "width"), ("runs", "run")],
)
def test_a_parameter_given_twice_is_refused_by_its_name(browser, route, name):
    query = ROUTES[route] | {name: [ROUTES[route].get(name, "exp")] * 2}
    response = get(browser, route, **query)
    assert response.status_code == 400
    assert f"parameter {name!r} is given 2 times" in response.text


def test_the_named_run_is_diagnosed_first_and_nobody_minds_an_unknown_one(browser):
    for name in ("exp", "nowhere", ""):
        assert {run["name"] for run in get(browser, "runs", run=name).json["runs"]} >= {"exp", "nan"}


@pytest.mark.parametrize("route", ["runs", "report", "index.js"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_only_get_is_allowed(browser, route, method):
    response = browser.open(f"/data/plugin/lossdiag/{route}", method=method)
    assert response.status_code == 405
    assert response.headers["Allow"] == "GET"
    assert method in response.text


def test_a_path_prefix_and_an_experiment_id_change_nothing(log_dir, browser):
    prefixed = client(open_with_python(log_dir), "/a/b")
    plain = get(browser, "report", run="exp").data
    assert get(prefixed, "report", "/a/b", run="exp").data == plain
    assert get(browser, "report", "/experiment/123", run="exp").data == plain


def test_the_tab_is_called_diagnostics_and_shown_for_our_data_and_for_scalars(log_dir, browser):
    listing = browser.get("/data/plugins_listing").json["lossdiag"]
    assert listing["tab_name"] == "Diagnostics"
    assert listing["enabled"]
    assert listing["loading_mechanism"]["module_path"] == "/data/plugin/lossdiag/index.js"


def test_an_empty_log_lists_no_runs_and_hides_the_tab(tmp_path):
    browser = client(open_with_python(tmp_path))
    assert get(browser, "runs").json == {"runs": []}
    assert not browser.get("/data/plugins_listing").json["lossdiag"]["enabled"]


def test_built_files_are_served_by_name_only(log_dir, tmp_path, monkeypatch):
    (tmp_path / "index.js").write_text("export function render() {}")
    (tmp_path / "index.css").write_text("body {}")
    monkeypatch.setattr(assets.asset_routes, "__defaults__", (tmp_path,))
    browser = client(open_with_python(log_dir))
    response = get(browser, "index.js")
    assert response.text == "export function render() {}"
    assert response.content_type == "text/javascript; charset=utf-8"
    assert get(browser, "index.css").content_type.startswith("text/css")
    assert get(browser, "../routes.py").status_code == 404
    (tmp_path / "index.css").unlink()
    assert get(browser, "index.css").status_code == 404


def test_without_a_built_frontend_the_tab_says_how_to_build_it(log_dir, tmp_path, monkeypatch):
    monkeypatch.setattr(assets.asset_routes, "__defaults__", (tmp_path,))
    response = get(client(open_with_python(log_dir)), "index.js")
    assert response.status_code == 404
    assert "pip install" in response.text
