"""Whether a loop still runs is read from the stack: nobody tells a callback that one has raised."""

import threading

from tb_lossdiag.recording.loop import Loop


class Callback:
    """Keeps the loops that begin, and what `ask` answers at each step."""

    def __init__(self, ask=lambda callback: None):
        self.loops, self.answers, self.ask = [], [], ask

    def on_train_begin(self):
        self.loops.append(Loop())

    def on_step(self):
        self.answers.append(self.ask(self))


def train(callback, body=lambda: None):
    callback.on_train_begin()
    body()
    callback.on_step()


def test_it_runs_while_its_steps_are_taken_and_not_after():
    callback = Callback(lambda callback: callback.loops[0].is_running())
    train(callback)
    assert callback.answers == [True]
    assert not callback.loops[0].is_running()


def test_another_loop_inside_is_told_from_one_that_follows():
    class Asking(Callback):
        def on_train_begin(self):
            super().on_train_begin()
            self.answers.append(self.loops[0].is_around_this_one())

    nested = Asking()
    train(nested, body=lambda: train(nested))
    assert nested.answers[:2] == [False, True]
    after = Asking()
    for _ in range(2):
        train(after)
    assert after.answers[0] is False and after.answers[2] is False


def test_a_loop_that_raised_does_not_run():
    def fails():
        raise RuntimeError

    callback = Callback()
    try:
        train(callback, body=fails)
    except RuntimeError:
        assert not callback.loops[0].is_running()
    train(callback)
    assert not callback.loops[0].is_around_this_one()


def test_a_loop_in_another_thread_runs_until_that_ends():
    callback, end, begun = Callback(), threading.Event(), threading.Event()

    def wait():
        begun.set()
        end.wait()

    thread = threading.Thread(target=train, args=(callback, wait))
    thread.start()
    begun.wait()
    assert callback.loops[0].is_running()
    end.set()
    thread.join()
    assert not callback.loops[0].is_running()
