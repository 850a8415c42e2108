"""Keeps the newest readings within a number of bytes; the one that was asked for longest ago goes first."""

from collections import OrderedDict

from tb_lossdiag.plugin.queue import Key
from tb_lossdiag.plugin.reading import Reading

CACHE_BYTES = 512 << 20  # a few of the largest runs the log reader returns, or thousands of usual ones


class Kept:
    """Readings by run, each with the stamp of the data it was made from. Its user lets in one thread at a time."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Key, tuple[tuple, Reading]] = OrderedDict()
        self._bytes = 0  # counted as they come and go: a sum over all of them for each of them would be quadratic

    def get(self, key: Key, stamp: tuple) -> Reading | None:
        known, reading = self._kept.get(key, (None, None))
        if reading is None or known != stamp:
            return None
        self._kept.move_to_end(key)
        return reading

    def put(self, key: Key, stamp: tuple, reading: Reading) -> None:
        self.drop(key)
        self._kept[key] = (stamp, reading)
        self._bytes += reading.bytes
        while len(self._kept) > 1 and self._bytes > CACHE_BYTES:
            self.drop(next(iter(self._kept)))

    def drop(self, key: Key) -> None:
        if key in self._kept:
            _, reading = self._kept.pop(key)
            self._bytes -= reading.bytes
