from tb_lossdiag.diagnosis.report import Report, Verdict
from tb_lossdiag.plugin import kept
from tb_lossdiag.plugin.kept import Kept
from tb_lossdiag.plugin.reading import READING_BYTES, Reading
from tb_lossdiag.run import Run


def reading(name):
    return Reading(Run(name), Report(name, Verdict("learning", "fine")))


def test_a_reading_is_kept_for_the_data_it_was_made_from():
    cache, one = Kept(), reading("a")
    cache.put(("", "a"), (1,), one)
    assert cache.get(("", "a"), (1,)) is one
    assert cache.get(("", "a"), (2,)) is None
    assert cache.get(("other", "a"), (1,)) is None


def test_the_one_asked_for_longest_ago_goes_when_there_is_no_room(monkeypatch):
    monkeypatch.setattr(kept, "CACHE_BYTES", 2 * READING_BYTES)
    cache = Kept()
    for name in "ab":
        cache.put(("", name), (), reading(name))
    cache.get(("", "a"), ())
    cache.put(("", "c"), (), reading("c"))
    assert [name for name in "abc" if cache.get(("", name), ())] == ["a", "c"]


def test_a_reading_that_is_replaced_or_dropped_takes_no_room(monkeypatch):
    monkeypatch.setattr(kept, "CACHE_BYTES", 2 * READING_BYTES)
    cache = Kept()
    for stamp in range(5):
        cache.put(("", "a"), (stamp,), reading("a"))
    cache.put(("", "b"), (), reading("b"))
    cache.drop(("", "b"))
    cache.drop(("", "nowhere"))
    cache.put(("", "c"), (), reading("c"))
    assert cache.get(("", "a"), (4,)) and cache.get(("", "c"), ())


def test_one_that_is_larger_than_all_the_room_is_kept_alone(monkeypatch):
    monkeypatch.setattr(kept, "CACHE_BYTES", 1)
    cache = Kept()
    cache.put(("", "a"), (), reading("a"))
    assert cache.get(("", "a"), ())
