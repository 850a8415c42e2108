"""Where do a writer's events go? Into an event file on this machine, or behind a URL into one object per upload.

An object store shows a file when it is closed, and one that grows is sent again as a whole each time. So what was
written between two uploads becomes a file of its own, which nobody changes afterwards, and uploads are rare enough to
take a fiftieth of the time. TensorBoard's loaders read the files of a directory in the order of their names.
"""

import atexit
import itertools
import os
import re
import socket
import time
import weakref
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from tensorboard.compat.proto import event_pb2

from tb_lossdiag import storage
from tb_lossdiag.framing import framed

try:
    import fcntl
except ImportError:  # Windows; there nobody knows who else writes
    fcntl = None

UPLOAD_SECONDS = 10.0  # at least, between two uploads; the tab reads anew no more often than every 5 s
UPLOAD_SHARE = 0.02  # of the time, at most: an upload may take longer, and a run that grows old has rarer ones
_FILE_NUMBERS = itertools.count()
_STAMPED = re.compile(re.escape(storage.EVENT_FILES) + r"(\d{10})\.")


class LocalFile:
    """An event file in a directory of this machine. Makes the directory; raises OSError where it cannot.

    continues: whether event files were there before. seconds_ahead: by how much those are younger than this machine's
    clock says it is now, 0 where they are not. beside: whether another process is writing one of them just now, as its
    lock on the file shows, which goes with the process.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        earlier = list(directory.glob(f"{storage.EVENT_FILES}*"))
        self.continues = bool(earlier)
        self.seconds_ahead = max([0.0, *(path.stat().st_mtime - time.time() for path in earlier)])
        self.beside = any(_is_locked(path) for path in earlier if f".{os.getpid()}." not in path.name)
        self._path = directory / _new_name(path.name for path in earlier)
        self._file = open(self._path, "wb", buffering=0)  # noqa: SIM115  closed with the writer
        weakref.finalize(self, self._file.close)  # a training that raised has not closed its writer
        self._held = [_version()]
        self._is_locked = False
        self._lock()
        self.flush()

    def write(self, event: bytes) -> None:
        self._held.append(framed(event))
        if not self._is_locked:
            self._lock()

    def flush(self) -> None:
        """A process that is killed now loses nothing that was written.

        In one piece, so that nobody sees the beginning of a record without its end, and on a full disk none at all.
        """
        rest, self._held = memoryview(b"".join(self._held)), []
        size = self._file.tell()
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError:
            with suppress(OSError):
                self._file.seek(size)
                self._file.truncate()
            raise

    def upload(self) -> None:
        """Nothing is to come for now, so another process may write here."""
        self.flush()
        self._lock(False)

    def is_there(self) -> bool:
        return self._path.exists()

    def close(self) -> None:
        self.flush()
        self._file.close()

    def _lock(self, holds: bool = True) -> None:
        self._is_locked = holds
        if fcntl is not None:
            with suppress(OSError):  # a file system without locks
                fcntl.flock(self._file, (fcntl.LOCK_EX if holds else fcntl.LOCK_UN) | fcntl.LOCK_NB)


class RemoteFiles:
    """Event files at a URL. Uploads one at once, so it raises OSError where it cannot.

    continues, seconds_ahead, beside: as for a LocalFile; how old the earlier files are, and whose, is not asked.
    """

    seconds_ahead = 0.0
    beside = False

    def __init__(self, url: str) -> None:
        storage.make_directory(url)
        earlier = [name for name in storage.names_in(url) if name.startswith(storage.EVENT_FILES)]
        self.continues = bool(earlier)
        self._first = storage.join(url, _new_name(earlier))
        self._uploaded = 0
        self._held: list[bytes] = []
        self._began = time.monotonic()
        self._upload()
        atexit.register(self._upload_rest)  # a training that raised has not closed its writer

    def write(self, event: bytes) -> None:
        self._held.append(framed(event))

    def flush(self) -> None:
        """Uploads what was written since, when it is time to."""
        if self._held and time.monotonic() >= self._due:
            self._upload()

    def upload(self) -> None:
        """Uploads what was written since, due or not."""
        if self._held:
            self._upload()

    def is_there(self) -> bool:
        return True

    def close(self) -> None:
        """Uploads the rest."""
        atexit.unregister(self._upload_rest)
        self.upload()

    def _upload(self) -> None:
        began = time.monotonic()
        storage.write(f"{self._first}.{self._uploaded:06d}", b"".join((_version(), *self._held)))
        self._held.clear()  # not before: what could not be uploaded is tried again
        self._uploaded += 1
        ended = time.monotonic()
        rest = max((ended - began) / UPLOAD_SHARE, (ended - self._began) * UPLOAD_SHARE)
        self._due = ended + max(UPLOAD_SECONDS, rest)

    def _upload_rest(self) -> None:
        with suppress(Exception):  # the process ends; whoever could be told is gone
            self.upload()


def event_files(directory: Path | str) -> LocalFile | RemoteFiles:
    """New files of a writer in the directory, which is a path or a URL. Raises OSError where it cannot be written."""
    return LocalFile(directory) if isinstance(directory, Path) else RemoteFiles(directory)


def _is_locked(path: Path) -> bool:
    """Whether a writer that is alive holds the file."""
    if fcntl is not None:
        with suppress(OSError), open(path, "rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
    return False


def _new_name(earlier: Iterable[str]) -> str:
    """A name behind all earlier ones, also where the clock is behind that of whoever wrote them."""
    stamp, rest = int(time.time()), f"{socket.gethostname()}.{os.getpid()}.{next(_FILE_NUMBERS):06d}"
    newest = max((name for name in earlier if _STAMPED.match(name)), default="")
    if f"{storage.EVENT_FILES}{stamp:010d}.{rest}" <= newest:
        stamp = int(_STAMPED.match(newest)[1]) + 1
    return f"{storage.EVENT_FILES}{stamp:010d}.{rest}"


def _version() -> bytes:
    """What an event file begins with."""
    return framed(event_pb2.Event(wall_time=time.time(), file_version="brain.Event:2").SerializeToString())
