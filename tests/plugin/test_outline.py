from tensorboard.data.provider import TensorTimeSeries

from tb_lossdiag.diagnosis.report import Report, Verdict, undiagnosed
from tb_lossdiag.plugin.outline import gravity, outline, pending
from tb_lossdiag.run import Run


def listed(step, wall):
    return TensorTimeSeries(max_step=step, max_wall_time=wall, plugin_content=b"", description="", display_name="loss")


def test_a_run_without_a_verdict_tells_what_the_list_of_tags_does():
    line = pending("a", "scalars", [listed(7, 3.0), listed(12, None), listed(None, 5.0), listed(1, float("inf"))])
    assert (line.name, line.state, line.severity, line.last_step, line.wall_time) == ("a", "pending", "none", 12, 5.0)
    assert (pending("a", "recorded", []).last_step, pending("a", "recorded", []).source) == (0, "recorded")


def test_the_worst_come_first_and_the_pending_last():
    learning = outline(Run("b"), Report("b", Verdict("learning", "fine")), "")
    stalled = outline(Run("c"), Report("c", Verdict("stalled", "flat")), "")
    unread = outline(Run("a"), undiagnosed("a", ValueError("x")), "x")
    lines = [pending("a", "recorded", []), learning, unread, stalled]
    assert [line.state for line in sorted(lines, key=gravity)] == ["stalled", "inconclusive", "learning", "pending"]
