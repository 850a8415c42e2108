"""Which event files of a run are damaged, and which records does TensorBoard still take from behind the damage?

Its Python loader ends a file at the first record whose checksum is wrong. Its Rust data server goes by the checksum of
the length alone: it reads on, with whatever number the damaged record now holds, up to one that is no event or was
written at no time. What comes before the damage is the part that both read and that is known to be right, so it is what
counts; records from there on are left out, whoever read them. Where the files are not on this machine nothing is looked
at, and only the counts of schema.END and of STEPS tell what is missing.
"""

import math
import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from google.protobuf.message import DecodeError
from tensorboard.backend.event_processing.io_wrapper import IsSummaryEventsFile
from tensorboard.compat.proto import event_pb2

from tb_lossdiag.framing import Broken, CutShort, frames

READ_AHEAD = 1 << 20  # bytes


@dataclass
class Damage:
    """What is wrong with the files of a run.

    notes: one sentence per file. lost: {tag: {(step, Unix seconds)}} of the records to leave out. lowest: the first
    step of each tag's lost records.
    """

    notes: list[str] = field(default_factory=list)
    lost: dict[str, set[tuple[int, float]]] = field(default_factory=dict)
    lowest: dict[str, int] = field(default_factory=dict)


def damage_in(directory: str | os.PathLike, one_writer: bool) -> Damage:
    """What is wrong with the event files that lie directly in the directory.

    one_writer: whether they are ours: each record comes into the file in one piece, and nothing into a file that has a
    later one. Other writers may hold the end of a record back for minutes, so there a missing end is no damage.
    """
    found = Damage()
    paths = _event_files(Path(directory))
    for index, path in enumerate(paths):
        try:
            _look_into(path, one_writer, path != paths[-1], found)
            _lose_overwritten(paths[: index + 1], found)
        except (OSError, ValueError):  # gone since, no file, or not ours to read: TensorBoard has nothing of it either
            continue
    return found


def _event_files(directory: Path) -> list[Path]:
    try:
        return sorted(directory / name for name in os.listdir(directory) if IsSummaryEventsFile(name))
    except (OSError, ValueError):
        return []


def _look_into(path: Path, one_writer: bool, later: bool, found: Damage) -> None:
    damaged_at, sound, behind, last = None, 0, 0, 0
    with open(path, "rb", buffering=READ_AHEAD) as file:
        size = path.stat().st_size
        try:
            for frame in frames(file):
                event = _event(frame.data)
                if damaged_at is None and frame.sound and event is not None:
                    sound += 1
                    continue
                damaged_at = frame.at if damaged_at is None else damaged_at
                behind += frame.at > damaged_at
                last = max(last, _lose(event, found))
        except Broken as broken:
            damaged_at = broken.at if damaged_at is None else damaged_at
        except CutShort as cut:
            if damaged_at is None and one_writer and (later or path.stat().st_size == size):
                found.notes.append(f"{path.name}: behind {sound} records, at byte {cut.at}, begins one that has no end")
    if damaged_at == 0 and not behind:
        found.notes.append(f"{path.name}: no event file, or damaged from its first byte on")
    elif damaged_at is not None:
        left_out = f"; the {behind} records behind it, up to step {last}, are left out" if behind else ""
        found.notes.append(f"{path.name}: damaged at byte {damaged_at}, behind {sound} records{left_out}")


def _lose_overwritten(paths: list[Path], found: Damage) -> None:
    """A record that the data server takes from behind the damage overwrites all earlier ones at its step and later.

    That matters where the damage is in the step itself: it may now be any.
    """
    lowest = {tag: min(step for step, _ in records) for tag, records in found.lost.items()}
    if not lowest or found.lowest == lowest:
        return
    found.lowest = lowest
    for path in paths:
        with suppress(Broken, CutShort), open(path, "rb", buffering=READ_AHEAD) as file:
            for event in (_event(frame.data) for frame in frames(file)):
                for value in event.summary.value if event is not None else ():
                    if event.step >= lowest.get(value.tag, event.step + 1):
                        found.lost[value.tag].add((event.step, event.wall_time))


def _event(data: bytes) -> event_pb2.Event | None:
    """The event, None where it is none that the data server reads."""
    try:
        event = event_pb2.Event.FromString(data)
    except DecodeError:
        return None
    return event if math.isfinite(event.wall_time) else None


def _lose(event: event_pb2.Event | None, found: Damage) -> int:
    """Leaves the records of an event out; answers their step, 0 where there is none."""
    if event is None:
        return 0
    for value in event.summary.value:
        found.lost.setdefault(value.tag, set()).add((event.step, event.wall_time))
    return event.step
