"""What do other tools say about the same recorded run? PEERS: name -> a function from a Case to an Answer.

Three are re-statements of published rules on our records (sagemaker, autotrainer, deepchecker); four are the packages
themselves (gradsnitch, runmedic, trainproof, trainspotter). Their words are mapped to our causes in their favour.
A peer that is not installed or breaks answers with ran=False and says why.
"""

import warnings
from collections.abc import Callable, Mapping

from benchmarks.peers import autotrainer, deepchecker, gradsnitch, runmedic, sagemaker, trainproof, trainspotter
from benchmarks.peers.answer import Answer, Case, could_not_run

__all__ = ["PEERS", "Answer", "Case"]

_FILES = (sagemaker, autotrainer, deepchecker, trainspotter, runmedic, trainproof, gradsnitch)


def _safe(ask: Callable[[Case], Answer]) -> Callable[[Case], Answer]:
    def safe(case: Case) -> Answer:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return ask(case)
        except Exception as error:  # one broken tool must not take the comparison down
            return could_not_run(f"{type(error).__name__}: {error}")

    return safe


PEERS: Mapping[str, Callable[[Case], Answer]] = {file.__name__.rpartition(".")[2]: _safe(file.ask) for file in _FILES}
