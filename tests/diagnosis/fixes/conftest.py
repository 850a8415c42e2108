"""Which of these tests need a framework? The trainings whose lines are run; without Keras they are left out."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("keras") else ["test_code_runs.py"]
