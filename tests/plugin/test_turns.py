import threading

from tb_lossdiag.plugin.turns import Turns


def test_whoever_is_urgent_goes_first():
    turns, went, waiting = Turns(), [], []

    def go(is_urgent):
        with turns.one(is_urgent):
            went.append(is_urgent)

    with turns.one(False):
        for is_urgent in (False, True):
            thread = threading.Thread(target=go, args=[is_urgent])
            thread.start()
            waiting.append(thread)
        while not turns._urgent:  # until the second has asked
            pass
    for thread in waiting:
        thread.join()
    assert went == [True, False]


def test_a_turn_ends_when_its_work_fails():
    turns = Turns()
    try:
        with turns.one(True):
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    with turns.one(False):
        pass
