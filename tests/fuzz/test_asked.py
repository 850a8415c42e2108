"""Would the fuzzer see it? A process that hangs, takes all memory, warns or ends is told as what it did."""

import subprocess
import sys
import textwrap

import pytest
from fuzz.asked import QUESTIONS, ROOT, Asked

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is bounded in Linux's way")


def asked_for(answer: str) -> subprocess.CompletedProcess:
    """The server of questions.py with this for all its questions, asked once, with little patience and memory."""
    code = f"""
        import sys
        sys.path.insert(0, {str(QUESTIONS.parent)!r})
        import questions
        questions.CPU_SECONDS, questions.MEMORY = 0.5, 64 << 20
        def ask(directory, question):
            {answer}
        questions.ask = ask
        questions.bound()
        questions.serve()
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    return subprocess.run(
        command, input='{"directory": "", "question": {}}\n', capture_output=True, text=True, cwd=ROOT
    )


def test_an_answer_is_nothing_or_a_traceback():
    assert asked_for("pass").stdout == "null\n"
    assert "ZeroDivisionError" in asked_for("1 / 0").stdout


def test_a_warning_is_an_error():
    assert "RuntimeWarning" in asked_for("import numpy; numpy.float64(1e308) * 10").stdout


def test_too_much_memory_is_an_error():
    assert "MemoryError" in asked_for("bytearray(1 << 30)").stdout


def test_an_endless_loop_is_ended_and_shown():
    ended = asked_for("while True: pass")
    assert ended.returncode < 0
    assert "in ask" in ended.stderr


def test_a_process_that_ends_is_told_and_started_again(tmp_path):
    program = tmp_path / "program.py"
    program.write_text("import sys; input(); print('broken', file=sys.stderr); sys.exit(3)")
    with Asked(tmp_path / "stderr", program) as asked:
        for _ in range(2):
            assert asked.fault(tmp_path, {}) == "the process ended with 3\nbroken\n"
