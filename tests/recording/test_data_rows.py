from collections import OrderedDict

import keras
import pytest

from tb_lossdiag.recording.data_rows import leaves


@pytest.mark.parametrize(
    "value",
    [1.0, None, [1, [2, 3]], (1, None), {"b": 1, "a": [2, {"c": 3}]}, OrderedDict(b=1, a=2), [], {}, ([], 1)],
    ids=repr,
)
def test_without_kerass_own_way_the_leaves_and_their_ways_are_the_same(value, monkeypatch):
    if not hasattr(keras.tree, "flatten_with_path"):
        pytest.skip("Keras before 3.7 has no way of its own")
    expected = leaves(value)
    assert [leaf for _, leaf in expected] == keras.tree.flatten(value)
    monkeypatch.delattr(keras.tree, "flatten_with_path")
    assert leaves(value) == expected
