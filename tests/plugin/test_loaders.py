"""A damaged log in a real TensorBoard: its Rust data server, its Python loader and the command line tell the same."""

import json
import re
import struct
import subprocess
import sys
import textwrap
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager

import pytest

from tb_lossdiag import DiagnosticsWriter

DEADLINE_SECONDS = 120  # far above what a TensorBoard takes; only a broken one runs into it


@contextmanager
def tensorboard(log_dir, *flags):
    """A TensorBoard process on a free port, as a user starts it; gives its address."""
    command = [sys.executable, "-m", "tensorboard.main", f"--logdir={log_dir}", "--port=0", "--reload_interval=1"]
    process = subprocess.Popen([*command, *flags], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        yield next(found[0] for line in process.stderr if (found := re.search(r"http://\S+", line)))
    finally:
        process.terminate()
        process.communicate()


def reports_of(address, names):
    """Each run's report, once TensorBoard has read all of them."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        try:
            return {name: fetch(address, name) for name in names}
        except urllib.error.HTTPError as error:
            assert error.code == 404
            time.sleep(0.2)
    raise TimeoutError(f"TensorBoard knows not all of {names}")


def fetch(address, name):
    url = f"{address}data/plugin/lossdiag/report?run={urllib.parse.quote(name)}"
    with urllib.request.urlopen(url) as answer:
        return json.load(answer)


def train(log_dir):
    with DiagnosticsWriter(log_dir) as writer:
        for step in range(1, 201):
            writer.write_step(step, loss=2.0 - step / 200, learning_rate=0.1)


def flip(content, at):
    content[at + 40] ^= 1


def flip_the_checksum(content, at):
    content[at + 12 + struct.unpack_from("<Q", content, at)[0]] ^= 1


def cut(content, at):
    del content[at + 20 :]


SPOILERS = {"intact": None, "flipped": flip, "checksum": flip_the_checksum, "cut": cut}


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    """A run of each kind of damage, at its record 25, and one with a file of garbage beside."""
    directory = tmp_path_factory.mktemp("damaged") / "logs"
    for name, spoil in {**SPOILERS, "garbage": None}.items():
        train(directory / name)
        [path] = (directory / name / "diagnostics").iterdir()
        content, at = bytearray(path.read_bytes()), 0
        for _ in range(25):
            at += 16 + struct.unpack_from("<Q", content, at)[0]
        if spoil is not None:
            spoil(content, at)
            path.write_bytes(content)
    (directory / "garbage" / "diagnostics" / "events.out.tfevents.1.x").write_bytes(b"garbage" * 999)
    return directory


@pytest.fixture(scope="module")
def told(logs):
    """What the command line says of each."""
    command = [sys.executable, "-m", "tb_lossdiag", "report", "--json", str(logs)]
    return json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


def test_the_command_line_lists_what_is_damaged_and_only_that(told):
    assert {name: len(report["notes"]) for name, report in told.items()} == {
        "checksum": 1,
        "cut": 1,
        "flipped": 1,
        "garbage": 1,
        "intact": 0,
    }
    assert told["garbage"]["verdict"] == told["intact"]["verdict"]
    assert told["checksum"]["verdict"] == told["flipped"]["verdict"] == told["cut"]["verdict"]


@pytest.mark.parametrize("load_fast", ["true", "false"])
def test_the_tab_says_the_same_with_either_loader(logs, told, load_fast):
    with tensorboard(logs, f"--load_fast={load_fast}") as address:
        assert reports_of(address, told) == told


def test_the_tab_reads_a_file_url_that_was_written_as_one(tmp_path):
    url = f"file://{tmp_path}/logs"
    train(f"{url}/run1")
    command = [sys.executable, "-m", "tb_lossdiag", "report", "--json", url]
    told = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    with tensorboard(url) as address:
        assert reports_of(address, ["run1"]) == told


def test_tensorboards_own_layer_over_fsspec_reads_the_pieces_of_a_url_in_their_order():
    code = """
        from tb_lossdiag.logs.provider import spare_tensorflow
        spare_tensorflow()
        from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
        from tb_lossdiag import DiagnosticsWriter, schema

        for first in (1, 101):
            with DiagnosticsWriter("memory://logs/run1") as writer:
                for step in range(first, first + 100):
                    writer.write_step(step, loss=1.0)
                    writer._files._due = 0.0  # each record in a piece of its own
        read = EventMultiplexer(tensor_size_guidance={schema.PLUGIN_NAME: 1000})
        read.AddRunsFromDirectory("memory://logs").Reload()
        steps = [event.step for event in read.Tensors("run1/diagnostics", schema.STEPS)]
        assert steps == [*range(1, 101), 101, *range(101, 201)], steps  # 101 twice: the record that takes the tag over
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)
