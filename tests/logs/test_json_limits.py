from tb_lossdiag.logs.json_limits import shown, within_limits


def test_what_is_within_the_limits_stays():
    value = {"a": [1, -(2**63), 2**63 - 1, 1.5, None, True, "text"], "b": {"c": float("inf")}}
    assert within_limits(value) == (value, {})


def test_integers_beyond_64_bits_are_left_out_where_they_have_a_name_and_none_where_they_have_a_place():
    kept, dropped = within_limits({"a": 2**63, "b": {"c": -(2**64), "d": 1}, "e": [1, 10**400, [10**99]]})
    assert kept == {"b": {"d": 1}, "e": [1, None, [None]]}
    assert list(dropped) == ["a", "b.c", "e[1]", "e[2][0]"]
    assert dropped["a"] == "9223372036854775808"


def test_a_text_without_end_is_cut_and_a_name_without_end_is_left_out():
    kept, dropped = within_limits({"text": "x" * 101, "y" * 101: 1}, most=100)
    assert kept == {"text": "x" * 100}
    assert "behind its first 100 characters" in dropped["text"]
    assert all(len(place) <= 80 for place in dropped)


def test_a_value_is_shown_in_a_line():
    assert shown("a\nb") == "'a\\nb'"
    assert len(shown(10**400)) == 81
