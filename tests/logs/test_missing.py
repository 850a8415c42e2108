import numpy as np

from tb_lossdiag import schema
from tb_lossdiag.logs.missing import missing
from tb_lossdiag.logs.source import Samples


def samples(steps, values=None, sampled=False) -> Samples:
    steps = np.array(list(steps), np.int64)
    return Samples(steps, np.zeros(len(steps)), values or [None] * len(steps), sampled)


NONE = samples([])


def end(first, **records) -> Samples:
    return samples([first + 99], [{"first": first, "records": {f"lossdiag/{k}": v for k, v in records.items()}}])


def test_where_all_came_nothing_is_missing():
    assert missing({schema.STEPS: samples(range(1, 6))}, end(1, steps=5), 5) == []
    assert missing({schema.STEPS: samples(range(1, 6))}, NONE, 5) == []
    assert missing({}, NONE, 0) == []


def test_a_gap_in_the_numbers_of_the_steps_is_told():
    assert missing({schema.STEPS: samples([1, 2, 5])}, NONE, 5) == ["lossdiag/steps: 3 of 5 records are there"]


def test_what_a_writer_counted_at_its_end_is_told_of_every_tag():
    arrived = {schema.STEPS: samples([1, 2]), schema.EPOCHS: samples([2])}
    assert missing(arrived, end(1, steps=5, epochs=1, layers=3), 2) == [
        "lossdiag/layers: 0 of 3 records are there",
        "lossdiag/steps: 2 of 5 records are there",
    ]


def test_what_came_before_the_last_writer_began_is_not_of_its_count():
    arrived = {schema.STEPS: samples([*range(1, 11), 11, 12])}
    assert missing(arrived, end(11, steps=5), 15) == ["lossdiag/steps: 12 of 15 records are there"]
    assert missing({schema.LAYERS: samples([1, 2, 11])}, end(11, layers=1), 0) == []


def test_what_was_left_out_because_there_is_too_much_of_it_is_not_missing():
    assert missing({schema.STEPS: samples([1, 5], sampled=True)}, end(1, steps=5), 5) == []


def test_an_end_that_nobody_wrote_counts_nothing():
    for value in ({}, {"records": 7}, {"first": "x", "records": {"lossdiag/steps": 9}}, {"first": 1, "records": []}):
        assert missing({}, samples([1], [value]), 0) == []
    odd = {"first": 1, "records": {schema.STEPS: 10**99, schema.LAYERS: -1, schema.DATA: True, "x": 5}}
    assert missing({}, samples([1], [odd]), 0) == []
