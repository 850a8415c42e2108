"""What can become of the bytes of an event file? Damage as disks, copies and hostile authors do it."""

import io

import event_files
import numpy as np
from fuzz.sound_events import Events
from tensorboard.compat.proto import event_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

DAMAGE = ("flip", "cut", "gap", "noise", "again", "huge", "garbage", "inner")


def filed(events: Events, damage: list[tuple[str, int]]) -> bytes:
    """The events as an event file. Damage inside a record is under a right checksum, so that it gets further."""
    file = io.BytesIO()
    records = RecordWriter(file)
    first = event_pb2.Event(wall_time=event_files.START, file_version="brain.Event:2")
    inner = {
        int(np.random.default_rng(seed).integers(len(events) + 1)): seed for kind, seed in damage if kind == "inner"
    }
    for number, event in enumerate([first, *events]):
        content = event.SerializeToString()
        records.write(damaged(content, "flip", inner[number]) if number in inner else content)
    records.flush()
    content = file.getvalue()
    for kind, seed in damage:
        content = damaged(content, kind, seed)
    return content


def damaged(content: bytes, kind: str, seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    at, length = int(rng.integers(len(content) + 1)), int(rng.integers(1, 64))
    noise = rng.bytes(length)
    if kind == "flip":
        found = bytearray(content)
        for place in rng.integers(0, max(1, len(content)), 3) if content else ():
            found[place] ^= 1 << int(rng.integers(8))
        return bytes(found)
    if kind == "cut":
        return content[:at]
    if kind == "gap":
        return content[:at] + content[at + length :]
    if kind == "noise":
        return content[:at] + noise + content[at:]
    if kind == "again":
        return content + content[at:]
    if kind == "huge":  # a record that says it is larger than any disk
        return content[:at] + b"\xff" * 8 + content[at:]
    if kind == "garbage":
        return noise
    return content
