from tb_lossdiag.diagnosis.report import Report, Verdict, undiagnosed
from tb_lossdiag.logs.experiments import Experiment
from tb_lossdiag.plugin.outline import gravity, outline, pending
from tb_lossdiag.run import Run


def test_a_run_without_a_verdict_tells_what_the_list_of_tags_does():
    stamp = (("a", "loss", 7, 3.0), ("a", "steps", 12, None), ("b", "odd", None, 5.0))
    line = pending(Experiment("a", {"own": "a"}, stamp), "scalars")
    assert (line.name, line.state, line.severity, line.last_step, line.wall_time) == ("a", "pending", "none", 12, 5.0)
    assert pending(Experiment("a"), "recorded").last_step == 0


def test_the_worst_come_first_and_the_pending_last():
    learning = outline(Run("b"), Report("b", Verdict("learning", "fine")), "")
    stalled = outline(Run("c"), Report("c", Verdict("stalled", "flat")), "")
    unread = outline(Run("a"), undiagnosed("a", ValueError("x")), "x")
    lines = [pending(Experiment("a"), "recorded"), learning, unread, stalled]
    assert [line.state for line in sorted(lines, key=gravity)] == ["stalled", "inconclusive", "learning", "pending"]
