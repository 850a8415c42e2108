"""Does a diagnosis find in a training on JAX what it finds anywhere? A sick one and a healthy one."""

from tb_lossdiag import diagnose


def test_units_that_start_dead_are_named_and_nothing_is_in_a_healthy_training(trained):
    log_dir = trained("verdicts").directory
    sick, healthy = diagnose(log_dir / "dead")["."], diagnose(log_dir / "healthy")["."]
    assert (sick.verdict.state, sick.verdict.cause) == ("never_learned", "poor_initialization")
    assert sick.causes[0].layers == ("hidden",)
    assert ("dead_units", ("hidden",)) in [(symptom.id, symptom.layers) for symptom in sick.symptoms]
    assert healthy.verdict.state in ("learning", "converged")
    assert healthy.verdict.cause is None
