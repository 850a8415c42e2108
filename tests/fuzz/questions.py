"""Asks everything that can be asked of one log directory, and raises when an answer is not what it must be.

    python tests/fuzz/questions.py DIRECTORY ['{"command": ["report"], "encoding": "ascii", "columns": 40}']

asks once and ends with the traceback, if there is one. `--serve` answers a line of JSON for each line of JSON, so that
one process can be asked about many directories. Either way memory and processor time are bounded, and warnings are
errors.
"""

import argparse
import contextlib
import faulthandler
import io
import itertools
import json
import os
import re
import resource
import signal
import struct
import sys
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import werkzeug.test
from tensorboard.backend import application

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # this tree, whichever one is installed

from tb_lossdiag import cli
from tb_lossdiag.logs.provider import open_log, spare_tensorflow
from tb_lossdiag.plugin import LossDiagLoader

# A log of the fuzzer has some hundred KB, and none of these questions takes a second of it.
MEMORY = 768 << 20  # bytes more than the process has when it begins
CPU_SECONDS = 20

# Of many rows and statistics the first few stand for all: a table is read in the same way at each.
SHOWN = 3
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
USUAL = {"command": ["report"], "encoding": "utf-8", "columns": 80, "requests": []}


def ask(directory: str, question: dict[str, Any]) -> None:
    """The routes, and a command or, where there is none, `diagnose`: reading the log is most of the time.

    question: the command, how its stdout is, and requests beside the usual ones.
    """
    runs = _ask_routes(directory, question["requests"])
    if question["command"]:
        _ask_command(directory, runs, question)
        return
    reports = cli.diagnose(directory)
    assert sorted(reports) == sorted(runs)
    for name, report in reports.items():
        assert report.run == name
        _check_report(_json(report.to_json()))


def _check_report(report: dict[str, Any]) -> None:
    headline = report["verdict"]["headline"]
    assert "could not be diagnosed" not in headline or "format version" in headline, headline
    for check in report["checks"]:  # the diagnosis keeps these exceptions from the user, but not from us
        assert not check["needs"].startswith("this check failed"), f"{check['id']}: {check['needs']}"
    for note in report["notes"]:
        assert not any(word in note for word in ("could not be argued", "MemoryError", "Warning")), note


def _ask_routes(directory: str, requests: Sequence) -> list[str]:
    """Asks each route about each run; the names of the runs."""
    flags = argparse.Namespace(logdir="", samples_per_plugin={}, window_title="", path_prefix="")
    wsgi = application.TensorBoardWSGIApp(flags, [LossDiagLoader], open_log(directory).provider)
    browser = werkzeug.test.Client(wsgi)

    def get(route: str, **query: Any) -> werkzeug.test.TestResponse:
        response = browser.get(f"/data/plugin/lossdiag/{route}", query_string=query)
        assert response.status_code in (200, 400, 404), f"{route} {query}: {response.status}"
        if response.content_type.startswith("application/json"):
            _json(response.get_data(as_text=True))
        return response

    def granted(route: str, **query: Any) -> werkzeug.test.TestResponse:
        response = get(route, **query)
        assert response.status_code == 200, f"{route} {query}: {response.status} {response.text}"
        return response

    runs = [run["name"] for run in granted("runs").json["runs"]]
    for run in runs:
        _check_report(granted("report", run=run).json)
        for route in ("report.md", "setup", "series"):
            granted(route, run=run)
        granted("series", run=run, first=2, last=9)
        layers = granted("layers", run=run).json
        for row in layers["rows"][:SHOWN]:
            granted("histograms", run=run, row=row["index"])
            get("layer", run=run, layer=row["layer"] or row["name"])
        for statistic in layers["statistics"][:SHOWN]:
            _check_matrix(granted("matrix", run=run, statistic=statistic["id"], width=7).data)
    for base, other in itertools.islice(itertools.pairwise(runs), SHOWN):
        compared = granted("compare", run=[base, other]).json
        for statistic in compared["statistics"][:SHOWN]:
            _check_matrix(granted("difference", run=[base, other], statistic=statistic["id"], width=7).data)
    for route, query in requests:
        get(route, **{"run": runs[0] if runs else "", **query})
    return runs


def _check_matrix(data: bytes) -> None:
    rows, columns = struct.unpack_from("<2I", data)
    assert len(data) == 8 + 4 * rows + 8 * columns + 4 * rows * columns


def _ask_command(directory: str, runs: list[str], question: dict[str, Any]) -> None:
    command = question["command"]
    named = runs[:2] if command[0] == "compare" else []
    code, said, complained = _main([*command, directory, *named], question["encoding"], question["columns"])
    assert code in (0, 2) or (code == 1 and command[0] == "check"), f"{command} ended with {code}: {complained}"
    assert "Traceback" not in complained and "Warning" not in complained, complained
    if not said:
        assert code == 2 and complained, f"{command} said nothing"
    elif "--json" in command:
        _json(said)
    else:
        acting = [c for c in COLOUR.sub("", said + complained) if not c.isprintable() and c != "\n"]
        assert not acting, f"{command} wrote {acting[:SHOWN]!r}"


def _main(arguments: list[str], encoding: str, columns: int) -> tuple[int, str, str]:
    """The exit code of the command line, and what it wrote to its two streams."""
    said, complained = (io.TextIOWrapper(io.BytesIO(), encoding, newline="\n") for _ in range(2))
    with (
        patch.object(sys, "argv", ["tb-lossdiag", *arguments]),
        patch.dict(os.environ, {"COLUMNS": str(columns)}),
        contextlib.redirect_stdout(said),
        contextlib.redirect_stderr(complained),
    ):
        complained.reconfigure(errors="backslashreplace")  # as Python's own stderr
        code = cli.main()
    texts = []
    for stream in (said, complained):
        stream.flush()
        texts.append(stream.buffer.getvalue().decode(encoding))
    return code, *texts


def _json(text: str) -> Any:
    def refuse(constant: str) -> None:
        raise AssertionError(f"JSON with {constant} in it")

    return json.loads(text, parse_constant=refuse)


def bound() -> None:
    """Bounds this process from here on: what it still may take, and that no warning passes unseen."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    # The signal's own end, after a traceback of where the time went.
    faulthandler.register(signal.SIGPROF, chain=True)
    warnings.simplefilter("error")


def timed(directory: str, question: dict[str, Any]) -> None:
    """`ask`, ended by SIGPROF when it takes too much of the processor."""
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    try:
        ask(directory, question)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def serve() -> None:
    """One answer per line: null, or the traceback of what went wrong."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever else is printed must not be taken for an answer
    for line in sys.stdin:
        asked = json.loads(line)
        fault = None
        try:
            timed(asked["directory"], asked["question"])
        except BaseException:  # SystemExit too
            fault = traceback.format_exc()
        print(json.dumps(fault), file=answers, flush=True)


if __name__ == "__main__":
    spare_tensorflow()
    cli.run, cli.diagnose  # noqa: B018  imported before memory is counted
    bound()
    if sys.argv[1] == "--serve":
        serve()
    else:
        timed(sys.argv[1], USUAL | json.loads(sys.argv[2] if len(sys.argv) > 2 else "{}"))
