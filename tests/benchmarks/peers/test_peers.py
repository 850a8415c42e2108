import importlib
import re
from pathlib import Path

import pytest
import synthetic as s

from benchmarks.peers import PEERS, Answer, Case
from benchmarks.peers.answer import Remark, answer
from tb_lossdiag.diagnosis import causes
from tb_lossdiag.run import Run


def known_causes() -> set[str]:
    files = Path(causes.__file__).parent.glob("*.py")
    return {found for file in files for found in re.findall(r'Candidate\(\s*"(\w+)"', file.read_text())}


def mapped() -> set[str]:
    """Every cause that any peer may name."""
    tables = []
    for name in PEERS:
        module = importlib.import_module(f"benchmarks.peers.{name}")
        tables += [rule.causes for rule in getattr(module, "RULES", ())]
        tables += [issue[1] for issue in getattr(module, "ISSUES", {}).values()]
        for table in ("CAUSES", "PHRASES", "UPDATE_RATIO"):
            tables += getattr(module, table, {}).values()
    return {cause for table in tables for cause in table}


def test_every_cause_a_peer_may_name_is_one_of_ours():
    assert len(known_causes()) > 20
    assert mapped() <= known_causes()


@pytest.mark.parametrize("name", PEERS)
def test_every_peer_answers_whatever_the_run(name):
    for run in (Run("empty"), s.healthy(), s.stuck()):
        reply = PEERS[name](Case(run, Path("logs")))
        assert isinstance(reply, Answer)
        assert reply.ran or (reply.said and not reply.alarmed and not reply.causes)


def test_a_peer_that_breaks_says_why():
    reply = PEERS["sagemaker"](Case(None, Path("logs")))
    assert not reply.ran and not reply.alarmed and "AttributeError" in reply.said[0]


def test_only_alarms_name_causes_and_each_once():
    remarks = [
        Remark("note", ("overfitting",), alarm=False),
        Remark("a", ("dying_relu",)),
        Remark("b", ("dying_relu",)),
    ]
    assert answer(remarks) == Answer(True, ("dying_relu",), ("note", "a", "b"))
    assert answer(remarks[:1]) == Answer(False, (), ("note",))
