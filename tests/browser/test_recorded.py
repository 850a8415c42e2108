"""Does the tab show what the demo's real trainings recorded, read by either of TensorBoard's loaders?"""

import csv
import json
import os
import subprocess
import sys

import pytest
from playwright.sync_api import expect
from trainings import TRAININGS

from tb_lossdiag import cli
from tb_lossdiag.diagnosis.markdown import to_markdown

SICK = [training.name for training in TRAININGS if training.cause]
# Whether there is more than a frame on a canvas.
DRAWN = """place => {
  const canvas = document.querySelector(place);
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.filter((value, i) => i % 4 === 3 && value > 0).length > 1000;
}"""
NEWEST = r"Number(/step ([\d,]+)/.exec(document.querySelector('.freshness').textContent)[1].replaceAll(',', ''))"
PATIENCE_MS = 60_000  # TensorFlow starts and traces first
ENDLESS = """
import sys, keras, trainings
hidden = [keras.layers.Dense(32, activation="sigmoid", name=f"sigmoid_{i}") for i in range(1, 9)]
trainings.fit(trainings.classifier(*hidden), keras.optimizers.SGD(0.1), sys.argv[1], epochs=10**6)
"""


@pytest.fixture(scope="module")
def reports(demo_logs):
    return cli.diagnose(demo_logs)


@pytest.fixture(scope="module")
def recorded(serve, demo_logs):
    with serve(demo_logs) as url:
        yield url


@pytest.fixture(scope="module", params=["true", "false"], ids=["rust", "python"])
def loaded(request, serve, demo_logs):
    """The address of a TensorBoard that reads with this loader."""
    with serve(demo_logs, f"--load_fast={request.param}") as url:
        yield url


@pytest.fixture(scope="module")
def endless(serve, tmp_path_factory):
    """A training that goes on until somebody ends it, its log, and the address of a TensorBoard on that."""
    log = tmp_path_factory.mktemp("logs") / "endless"
    log.mkdir()
    paths = os.pathsep.join(path for path in sys.path if path)
    command = [sys.executable, "-c", ENDLESS, str(log)]
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": paths}) as training:
        try:
            with serve(log.parent) as url:
                yield training, log, url
        finally:
            training.kill()


@pytest.fixture
def run(entry, recorded):
    """A function: a run of the demo and the rest of the hash -> its page."""
    return lambda name, rest="": entry(f"&p.lossdiag.run={name}{rest}", recorded)


def test_every_run_opens_on_its_verdict_findings_curves_events_and_layers(entry, loaded, reports):
    page = entry("", loaded)
    page.wait_for_function("n => document.querySelectorAll('button.run').length === n", arg=len(reports))
    page.locator("nav.runs header", has_text="worst first").wait_for()  # all verdicts are there
    assert set(page.locator(".run-name").all_inner_texts()[: len(SICK)]) == set(SICK)
    for name, report in reports.items():
        page.locator("button.run").filter(has=page.get_by_text(name, exact=True)).click()
        page.locator(".verdict-run").get_by_text(name, exact=True).wait_for()
        page.locator(".heatmap canvas").wait_for()
        page.wait_for_function(DRAWN, arg=".chart canvas")
        found = [cause.title for cause in report.causes if cause.confidence != "ruled_out"]
        assert page.locator("main h1").inner_text() == report.verdict.headline
        expect(page.locator(".finding-title")).to_have_text(found, use_inner_text=True)
        expect(page.locator(".timeline tbody th")).to_have_text(
            [one.title for one in report.timeline], use_inner_text=True
        )
        assert page.locator(".layer-table tbody tr").count() > 0


def test_every_statistic_is_drawn_by_layer_and_step(run, page):
    run("deep_sigmoid")
    choice = page.get_by_label("Statistic")
    choice.wait_for()
    labels = choice.locator("option").all_inner_texts()
    assert {"Gradient norm", "Update / weight", "Output spread", "Saturated outputs"} <= set(labels)
    for label in labels:
        choice.select_option(label=label)
        page.get_by_label(f"{label}: more", exact=True).first.wait_for()
        page.wait_for_function(DRAWN, arg=".heatmap canvas")


def test_an_opened_layer_shows_its_curves_and_how_its_values_were_distributed(run, page):
    run("deep_sigmoid", "&p.lossdiag.row=sigmoid_1/kernel")
    page.locator(".distributions canvas").first.wait_for()
    page.wait_for_function(DRAWN, arg=".layer-detail .chart canvas")
    titles = page.locator(".distributions .legend h3").all_inner_texts()
    assert titles == ["Gradient: kernel", "Update: kernel", "Gradient: bias", "Update: bias", "Output"]


def test_the_losses_of_training_and_validation_are_on_one_axis(run, page):
    run("overfitting")
    loss = page.locator(".chart", has=page.get_by_role("heading", name="Loss", exact=True))
    told = loss.locator(".legend").inner_text()
    assert "Batch loss" in told and "Validation loss" in told and "constant guess" in told


def test_steps_that_are_not_finite_are_marked(run, page):
    run("exploding_recurrent", "&p.lossdiag.statistic=gradient_norm")
    heatmap = page.get_by_role("application")
    heatmap.focus()
    heatmap.press("ArrowDown")
    heatmap.press("End")
    assert heatmap.get_by_role("status").inner_text().endswith(": NaN")
    loss = page.locator(".chart", has=page.get_by_role("heading", name="Loss", exact=True))
    assert "NaN" in loss.locator(".legend").inner_text()


def test_two_real_runs_are_set_side_by_side(run, page):
    run("healthy", "&p.lossdiag.with=learning_rate_too_high")
    page.get_by_role("heading", name="2 runs compared").wait_for()
    verdicts = page.get_by_label("Verdicts and findings")
    assert "appeared" in verdicts.locator("tr", has_text="Learning rate").first.inner_text()
    settings = page.get_by_label("Settings that differ").locator("tr", has_text="Learning rate").first
    expect(settings.locator("td")).to_have_text(["0.001", "0.5"], use_inner_text=True)
    page.locator(".heatmap canvas").wait_for()


def test_the_setup_shows_the_model_the_data_and_what_was_recorded(run, page):
    run("healthy")
    sheet = page.locator(".setup")
    sheet.get_by_text("Adam", exact=True).wait_for()
    expect(sheet.locator(".labels tbody tr")).to_have_count(10)
    assert "Layer statistics" in sheet.inner_text()


def test_what_was_not_checked_is_listed_with_what_it_needs(run, page, reports):
    run("healthy_custom_loop")
    report = reports["healthy_custom_loop"]
    needed = {check.needs for check in report.checks if check.state in ("not_run", "inconclusive")}
    assert {text.strip() for text in page.locator(".check-needs").all_inner_texts()} == needed


def test_the_report_leaves_as_markdown_json_and_csv(run, page, reports, copied_report):
    run("dying_relu")
    report = reports["dying_relu"]
    assert copied_report() == to_markdown(report)
    page.locator("summary", has_text="Share").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download JSON").click()
    assert json.loads(download.value.path().read_text()) == json.loads(json.dumps(report.to_dict()))
    with page.expect_download() as download:
        page.get_by_role("button", name="Download checks as CSV").click()
    with open(download.value.path(), newline="") as file:
        assert {row["check"] for row in csv.DictReader(file)} == {check.title for check in report.checks}


def test_a_deep_link_opened_cold_shows_its_run_layer_statistic_and_steps(tab, recorded):
    place = "&p.lossdiag.statistic=update_ratio&p.lossdiag.steps=20-200&p.lossdiag.row=sigmoid_3/kernel"
    frame = tab(f"&p.lossdiag.run=deep_sigmoid{place}", recorded)
    assert frame.locator(".verdict-run").inner_text() == "deep_sigmoid"
    frame.locator(".layer-detail .chart canvas").first.wait_for()
    assert frame.get_by_label("Statistic").input_value() == "update_ratio"
    expect(frame.get_by_text("steps 20 to 200").first).to_be_visible()


def test_a_training_is_followed_while_it_runs_and_read_after_it_was_killed(entry, endless):
    training, log, url = endless
    page = entry("", url)
    page.locator(".freshness").wait_for(timeout=PATIENCE_MS)
    early = page.evaluate(NEWEST)
    page.wait_for_function(f"early => {NEWEST} > early + 300", arg=early, timeout=PATIENCE_MS)
    assert training.poll() is None
    training.kill()
    training.wait()
    report = cli.diagnose(log.parent)["endless"]
    page.locator("main h1").get_by_text(report.verdict.headline, exact=True).wait_for(timeout=PATIENCE_MS)
    found = [cause.title for cause in report.causes if cause.confidence != "ruled_out"]
    expect(page.locator(".finding-title")).to_have_text(found, use_inner_text=True)
    page.locator(".heatmap canvas").wait_for()
