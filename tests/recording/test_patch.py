"""A hook goes as it came: what was there before is there again, or nothing."""

from tb_lossdiag.recording.patch import patched


class Owner:
    def call(self):
        return "own"


def test_on_an_object_the_class_shows_again():
    owner = Owner()
    undo = patched(owner, "call", lambda: "hook")
    assert owner.call() == "hook"
    undo()
    assert owner.call() == "own" and vars(owner) == {}


def test_what_stood_on_the_object_is_put_back():
    owner = Owner()
    owner.call = before = lambda: "users"
    patched(owner, "call", lambda: "hook")()
    assert owner.call is before


def test_on_a_class_it_holds_for_every_object():
    undo = patched(Owner, "call", lambda self: "hook")
    assert Owner().call() == "hook"
    undo()
    assert Owner().call() == "own"
