import synthetic as s

from tb_lossdiag.diagnosis import diagnose_run
from tb_lossdiag.diagnosis.gaps import LONGEST
from tb_lossdiag.run import Event


def test_a_report_says_where_the_recording_ended_and_why():
    stopped = Event(40, "recording_stopped", {"reason": "OSError: no space left on device"})
    (note,) = diagnose_run(s.healthy(events=(stopped,))).notes
    assert note == (
        "The recording stopped at step 40, what came later is not in the log: OSError: no space left on device"
    )


def test_a_report_says_from_where_on_nothing_was_sampled():
    (note,) = diagnose_run(s.healthy(events=(Event(0, "not_sampled", {"reason": "x" * 999}),))).notes
    assert note == f"From step 0 on only losses were recorded: {'x' * LONGEST}"


def test_a_report_says_that_another_process_recorded_into_the_directory_at_the_same_time():
    (note,) = diagnose_run(s.healthy(events=(Event(7, "restart", {"cleared": True, "beside": True}),))).notes
    assert note.startswith("Two processes recorded into this directory at the same time") and "from step 7 on" in note


def test_a_training_that_goes_on_in_its_directory_needs_no_note():
    assert diagnose_run(s.healthy(events=(Event(7, "restart", {"cleared": True}),))).notes == ()


def test_a_recording_that_ended_well_says_nothing():
    assert diagnose_run(s.healthy(events=(Event(40, "cost", {"share": 0.01}),))).notes == ()
