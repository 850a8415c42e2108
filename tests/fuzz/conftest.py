"""How long does the fuzzer run? `pytest tests/fuzz --fuzz=20` takes twenty times the examples of a usual test run."""


def pytest_addoption(parser):
    parser.addoption("--fuzz", type=int, default=1, metavar="TIMES", help="examples, in times of a usual test run's")
