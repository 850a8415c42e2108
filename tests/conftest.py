"""How do tests open a log? Through both of TensorBoard's loaders: every test that takes `open_log` runs twice."""

import gc
import subprocess
import time

import pytest
from tensorboard.context import RequestContext
from tensorboard.data.grpc_provider import GrpcDataProvider
from tensorboard.data.server_ingester import _make_stub
from tensorboard.util.grpc_util import ChannelCredsType

from tb_lossdiag.logs import provider
from tb_lossdiag.logs.source import MAX_RECORDS, Log

# Warnings are errors; these are TensorBoard's and Keras's own, about their own code.
THEIR_WARNINGS = (
    "ignore:html5lib's sanitizer is deprecated:DeprecationWarning",
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning",
)
START_SECONDS = 30  # far above the 0.1 s the data server takes; only a broken one runs into it


def pytest_configure(config):
    for line in THEIR_WARNINGS:
        config.addinivalue_line("filterwarnings", line)


def pytest_runtest_setup():
    """TensorFlow and Keras keep much of what a test has traced, and each collection of garbage looks through all of it:
    that was 20 % of the time of ten tests that train, and grows with their number. What is there by now is left alone.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(params=["python", "rust"])
def open_log(request):
    """A function: log directory -> Log, with everything below the directory loaded."""
    if request.param == "python":
        yield provider.open_log
        return
    with DataServers() as servers:
        yield servers.open_log


@pytest.fixture(scope="session")
def demo_logs(tmp_path_factory):
    """The log directory of the demo's trainings, each of which got the cause it declares. They take a minute or two."""
    import verdicts  # loads TensorFlow, which the tests of torch must not

    directory = tmp_path_factory.mktemp("demo") / "logs"
    assert verdicts.train_and_judge(directory), "the diagnosis disagrees with a declared cause; the table is above"
    return directory


class DataServers:
    """TensorBoard's Rust data server, one process per opened log, ended together."""

    def __enter__(self):
        self.processes = []
        return self

    def __exit__(self, *exception):
        for process in self.processes:
            process.stdin.close()
            process.stderr.close()
            process.wait()

    def open_log(self, log_dir) -> Log:
        tensorboard_data_server = pytest.importorskip("tensorboard_data_server")
        port_file = log_dir.parent / f"port{len(self.processes)}"
        command = [tensorboard_data_server.server_binary(), f"--logdir={log_dir}", "--reload=once", "--port=0"]
        command += [f"--port-file={port_file}", f"--samples-per-plugin=lossdiag={MAX_RECORDS}"]
        command += ["--die-after-stdin", "--verbose"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        self.processes.append(process)
        for line in process.stderr:
            if b"Finished load cycle" in line:
                break
        address = f"localhost:{_wait_for(port_file)}"
        provider = GrpcDataProvider(address, _make_stub(address, ChannelCredsType.LOCAL))
        return Log(provider, RequestContext(), directory=str(log_dir))


def _wait_for(port_file) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if port_file.exists() and port_file.read_text().endswith("\n"):
            return port_file.read_text().strip()
        time.sleep(0.01)
    raise TimeoutError(f"the data server wrote no port into {port_file}")
