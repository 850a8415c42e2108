"""Whichever private name a version lacks, a fit on JAX ends as without us, and is recorded or told about once."""

from recording.reading import Records

from tb_lossdiag import schema


def test_a_fit_ends_as_without_us_and_is_recorded_or_told_about_once(trained):
    nameless = trained("nameless")
    assert len(nameless.facts) > 10
    for name, facts in nameless.facts.items():
        recorded = bool(Records(nameless.log(name)).steps(schema.LAYERS))
        assert (facts["same"], facts["history"]) == (True, True), name
        assert (len(facts["warned"]), recorded) in ((0, True), (1, False)), (name, facts["warned"])
    (told,) = nameless.facts["compiled without all of them"]["warned"]
    assert "stopped recording, the training goes on" in told and "has no" in told
