"""How is an event file cut into records? By TFRecord's frames: a length, its checksum, the data, their checksum."""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import google_crc32c

_HEADER = struct.Struct("<QI")
_CHECKSUM = struct.Struct("<I")
_MASK_DELTA = 0xA282EAD8  # TFRecord's own, so that a checksum of checksums is none


@dataclass(frozen=True)
class Frame:
    """One record as it lies in a file. at: its first byte. sound: whether the data have the checksum they should."""

    at: int
    data: bytes
    sound: bool


class Broken(ValueError):
    """No record begins at byte `at`, where one should: nothing behind it can be found."""

    def __init__(self, at: int) -> None:
        super().__init__(f"no record begins at byte {at}")
        self.at = at


class CutShort(ValueError):
    """The record that begins at byte `at` is not there to its end, or not yet."""

    def __init__(self, at: int) -> None:
        super().__init__(f"the record at byte {at} has no end")
        self.at = at


def framed(data: bytes) -> bytes:
    """The data as a record."""
    length = struct.pack("<Q", len(data))
    return b"".join((length, _CHECKSUM.pack(_checksum(length)), data, _CHECKSUM.pack(_checksum(data))))


def frames(file: BinaryIO) -> Iterator[Frame]:
    """The records of a file that is open at its beginning, in order.

    Raises Broken or CutShort behind the last one that can be found, unless the file ends there.
    """
    at, size = 0, os.fstat(file.fileno()).st_size
    while at < size:
        header = file.read(_HEADER.size)
        if len(header) < _HEADER.size:
            raise CutShort(at)
        length, checksum = _HEADER.unpack(header)
        if checksum != _checksum(header[:8]):
            raise Broken(at)
        end = at + _HEADER.size + length + _CHECKSUM.size
        if end > size:  # asked before that much is read
            raise CutShort(at)
        data, checksum = file.read(length), file.read(_CHECKSUM.size)
        yield Frame(at, data, checksum == _CHECKSUM.pack(_checksum(data)))
        at = end


def _checksum(data: bytes) -> int:
    plain = google_crc32c.value(data)
    return ((plain >> 15 | plain << 17) + _MASK_DELTA) & 0xFFFFFFFF
