import synthetic as s

from benchmarks.zoo.calibrate import margins, misranked, reliability
from tb_lossdiag.diagnosis import diagnose_run

CRAWLING = diagnose_run(s.stuck(layers=s.with_column(s.layer_table(), "update_ratio", 1e-6)))
HEALTHY = diagnose_run(s.healthy())
LOW = "learning_rate_too_low"


def test_a_cause_is_as_reliable_as_it_was_right_when_named_first():
    pairs = [({LOW}, CRAWLING), ({"noise_floor"}, CRAWLING), (set(), HEALTHY)]
    assert reliability(pairs) == {(LOW, "likely"): [1, 2]}


def test_what_stands_above_the_truth_is_counted():
    assert misranked([({LOW}, CRAWLING), ({"noise_floor"}, CRAWLING)]) == [f"  1  {LOW} above noise_floor"]


def test_healthy_runs_are_shown_beside_each_threshold():
    line = next(line for line in margins([HEALTHY]) if line.startswith("update_ratio"))
    assert "threshold      0.03" in line and "found in 0/1" in line
