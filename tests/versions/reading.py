"""A log is written without a framework, judged by the command line and served by a real TensorBoard process."""

import json
import re
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager

import numpy as np
import pytest

from tb_lossdiag import DiagnosticsWriter, ModelCard, schema
from tb_lossdiag.plugin import assets
from tb_lossdiag.run import LayerCard, Row

CARD = ModelCard(
    layers=(LayerCard("fc", "Dense", "relu", settings={"use_bias": True}),),
    rows=(Row("fc/kernel", "variable", "fc"), Row("fc", "output", "fc")),
    data_rows=(Row("input:x", "input"),),
)
ROUTES = (
    *("report?", "report.md?", "series?", "layers?", "setup?", "layer?layer=fc&", "histograms?row=0&"),
    "matrix?statistic=gradient_norm&width=16&",
)


@pytest.fixture(scope="module")
def log_dir(tmp_path_factory):
    log_dir = tmp_path_factory.mktemp("versions") / "logs"
    with DiagnosticsWriter(log_dir / "run1", card=CARD) as writer:
        for step in range(1, 41):
            writer.write_layers(step, {"gradient_norm": [1 / step, np.nan], "update_ratio": [1e-3, np.nan]})
            writer.write_data(step, {"mean": [0.0], "std": [1.0]})
            writer.write_step(step, loss=2 / step, learning_rate=0.1, gradient_norm=1 / step, gradient_nonfinite=0)
        line = np.eye(schema.BUCKETS)[[3]]
        writer.write_histograms(40, {"gradient": line, "activation": line / 2})
    return log_dir


@contextmanager
def tensorboard(log_dir):
    """As a user starts it; the tab comes by the package's own entry point."""
    command = [sys.executable, "-m", "tensorboard.main", f"--logdir={log_dir}", "--port=0"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    said = []
    try:
        for line in process.stderr:
            said.append(line)
            if address := re.search(r"http://\S+", line):
                break
        else:
            raise RuntimeError(f"TensorBoard ended without an address:\n{''.join(said)}")
        yield address[0].rstrip("/")
    finally:
        process.terminate()
        process.communicate()


def get(address, route):
    with urllib.request.urlopen(f"{address}/data/{route}") as answer:
        return answer.read()


def test_the_command_line_tells_the_report_and_loads_no_framework(log_dir):
    code = f"""
import sys
from tb_lossdiag.cli import main
sys.argv[1:] = ["report", {str(log_dir)!r}, "--json"]
try:
    main()
finally:
    assert not {{"tensorflow", "keras", "torch", "jax"}} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    reports = json.loads(done.stdout)
    report = next(iter(reports.values())) if isinstance(reports, dict) else reports[0]
    assert report["verdict"]["state"] and report["notes"] == []


def test_a_tensorboard_process_has_the_tab_and_answers_its_routes(log_dir):
    with tensorboard(log_dir) as address:
        tab = json.loads(get(address, "plugins_listing"))[schema.PLUGIN_NAME]
        assert tab["enabled"]
        (run,) = json.loads(get(address, f"plugin/{schema.PLUGIN_NAME}/runs"))["runs"]
        assert (run["name"], run["last_step"], run["problem"]) == ("run1", 40, "")
        for route in ROUTES:
            assert get(address, f"plugin/{schema.PLUGIN_NAME}/{route}run=run1")
        with pytest.raises(urllib.error.HTTPError, match="404"):
            get(address, f"plugin/{schema.PLUGIN_NAME}/report?run=unknown")
        if assets.STATIC.exists():
            assert get(address, f"plugin/{schema.PLUGIN_NAME}/index.js")
