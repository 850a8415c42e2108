import io
import os

import pytest
from tensorboard.summary.writer.record_writer import RecordWriter

from tb_lossdiag.framing import Broken, CutShort, framed, frames

RECORDS = [b"first", b"", b"x" * 1000, bytes(range(256))]


@pytest.fixture
def opened(tmp_path):
    """A function: content -> the file that has it, open at its beginning."""
    files = []

    def open_file(content: bytes):
        path = tmp_path / "file"
        path.write_bytes(content)
        files.append(open(path, "rb"))  # noqa: SIM115
        return files[-1]

    yield open_file
    for file in files:
        file.close()


def read(file):
    """The records up to the error, and the error."""
    found = []
    try:
        for frame in frames(file):
            found.append((frame.data, frame.sound))
    except (Broken, CutShort) as error:
        return found, error
    return found, None


def test_a_record_is_framed_as_tensorboard_frames_it():
    theirs = io.BytesIO()
    writer = RecordWriter(theirs)
    for data in RECORDS:
        writer.write(data)
    assert b"".join(map(framed, RECORDS)) == theirs.getvalue()


def test_what_was_framed_is_found_again(opened):
    assert read(opened(b"".join(map(framed, RECORDS)))) == ([(data, True) for data in RECORDS], None)


def test_a_record_with_other_data_than_was_framed_is_not_sound_and_those_behind_it_are_found(opened):
    content = bytearray(b"".join(map(framed, RECORDS)))
    content[12] ^= 1
    found, error = read(opened(bytes(content)))
    assert [sound for _, sound in found] == [False, True, True, True]
    assert error is None


def test_a_length_that_was_changed_breaks_the_file_there(opened):
    content = bytearray(framed(b"first") + framed(b"second"))
    content[len(framed(b"first"))] ^= 1
    found, error = read(opened(bytes(content)))
    assert found == [(b"first", True)]
    assert isinstance(error, Broken)
    assert error.at == len(framed(b"first"))


@pytest.mark.parametrize("missing", range(1, 22))
def test_a_file_that_ends_within_a_record_is_cut_short_there(opened, missing):
    content = framed(b"first") + framed(b"second")
    found, error = read(opened(content[: len(content) - missing]))
    assert found == [(b"first", True)]
    assert isinstance(error, CutShort)
    assert error.at == len(framed(b"first"))


def test_a_length_beyond_the_file_is_not_read(opened):
    header = framed(b"")[:8]
    length = (2**60).to_bytes(8, "little")
    huge = framed(length)  # only its data are wanted: 8 bytes with a right checksum behind them
    file = opened(length + huge[-4:] + header)
    assert isinstance(read(file)[1], CutShort)
    assert file.tell() < os.fstat(file.fileno()).st_size + 1
