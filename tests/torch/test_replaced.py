"""Functions that are replaced as long as somebody listens."""

from types import SimpleNamespace

from tb_lossdiag.torch.replaced import Replaced


def test_a_function_is_replaced_by_the_same_one_each_time_and_put_back():
    heard = []

    def listening(original):
        return lambda *args: heard.append(args) or original(*args)

    owner = SimpleNamespace(double=lambda x: 2 * x)
    original, replaced = owner.double, Replaced([(owner, "double", listening)])
    ours = []
    for _ in range(2):
        replaced.add("somebody")
        replaced.add("somebody")
        ours.append(owner.double)
        assert owner.double(2) == 4
        replaced.remove("somebody")
        replaced.remove("nobody")
        assert owner.double is original
    assert ours[0] is ours[1]
    assert heard == [(2,), (2,)]


def test_what_somebody_put_over_ours_stays():
    owner = SimpleNamespace(double=lambda x: 2 * x)
    replaced = Replaced([(owner, "double", lambda original: lambda x: original(x))])
    replaced.add("somebody")
    theirs = owner.double = lambda x: 0
    replaced.remove("somebody")
    assert owner.double is theirs
