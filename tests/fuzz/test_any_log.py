"""Does everything answer whatever a log directory holds? No exception, no hang, bounded memory, valid answers.

The examples are the same on every machine. `python -m pytest tests/fuzz --fuzz=20` goes on to twenty times as many; its
first ones are those of a usual run. The smallest example of each fault is left in a directory, and with it is printed
the command that asks about it again, with its traceback.
"""

import json
import shlex
import shutil
import subprocess
import sys
import zlib

import pytest
from fuzz import any_log
from fuzz.asked import QUESTIONS, ROOT, Asked
from hypothesis import given, note, settings

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is bounded in Linux's way")

ALTERED, BROKEN, PROCESSES = 150, 75, 5  # examples of a usual run


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    with Asked(tmp_path_factory.mktemp("asked") / "stderr") as process:
        yield process


def examples(request, usual: int) -> settings:
    return settings(max_examples=usual * request.config.getoption("--fuzz", 1))


@pytest.mark.parametrize(
    ("broken", "usual"), [(False, ALTERED), (True, BROKEN)], ids=["altered events", "damaged files"]
)
def test_everything_is_answered_about_any_log(asked, tmp_path, request, broken, usual):
    @examples(request, usual)
    @given(log=any_log.directories(broken), question=any_log.questions)
    def ask(log, question):
        directory = written(log, tmp_path / "log")
        fault = asked.fault(directory, question)
        if fault:
            kept = tmp_path / f"fault-{zlib.crc32(fault.splitlines()[-1].encode())}"
            shutil.rmtree(kept, ignore_errors=True)
            directory.rename(kept)
            again = [sys.executable, str(QUESTIONS.relative_to(ROOT)), str(kept), json.dumps(question)]
            note(f"To ask again: {shlex.join(again)}")
        assert not fault, fault

    ask()


def test_the_command_ends_well_as_a_process_of_its_own(tmp_path, request):
    @examples(request, PROCESSES)
    @given(log=any_log.directories(broken=False))
    def check(log):
        command = [sys.executable, "-m", "tb_lossdiag", "check", str(written(log, tmp_path / "log"))]
        note(f"To ask again: {shlex.join(command)}")
        ended = subprocess.run(command, capture_output=True, cwd=ROOT)
        assert ended.returncode in (0, 1, 2), ended.stderr
        assert b"Traceback" not in ended.stderr and b"Warning" not in ended.stderr, ended.stderr

    check()


def written(log: any_log.AnyLog, directory):
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    log.write(directory)
    return directory
