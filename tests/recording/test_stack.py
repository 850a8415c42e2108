"""Tensors that stand in few matrices."""

from tb_lossdiag.recording.stack import Stack


def test_each_tensor_is_found_where_its_matrix_put_it():
    members = ((2, 0), (3,), (1,))
    places = Stack(("a", "b", "c"), members).places()
    in_order = [index for of_matrix in members for index in of_matrix]
    assert [in_order[place] for place in places] == [0, 1, 2, 3]


def test_of_no_matrices_there_are_no_places():
    assert Stack((), ()).places() == []
