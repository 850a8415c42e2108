"""The demo's rarer states are what they are called."""

import states

from tb_lossdiag import diagnose


def test_the_states_fill_a_long_list_with_one_of_each_kind(tmp_path):
    states.write(tmp_path)
    reports = diagnose(tmp_path)
    assert len(reports) == 50
    assert states.HOSTILE in reports
    assert "pip install -U" in reports["of_a_newer_version"].verdict.headline
    assert reports["just_begun"].verdict.state == "inconclusive"
    assert sum(check.state == "not_run" for check in reports["curves_only"].checks) > 20
