"""How can the events of a log be odd? Alterations, each of which changes a list of events in place.

They say what a file's author can: steps, times, tags, types, shapes, numbers and texts. Damage to bytes is damage.py's.
"""

import json
from collections.abc import Callable
from typing import Any

import any_run
import numpy as np
from fuzz.sound_events import SCALAR_TAGS, Events
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_shape_pb2, types_pb2
from tensorboard.util.tensor_util import make_tensor_proto

from tb_lossdiag import schema

HUGE = (2**63, -(2**70), 10**400)  # whole numbers beyond int64, and beyond a float

STEPS = (0, 1, 2, 7, 40, -1, -(2**31), 2**31, 2**53, 2**62, 2**63 - 1, -(2**63))
WALLS = (0.0, -1.0, 1.0, 1e18, 1e300, -1e300, np.nan, np.inf, -np.inf, 5e-324)
TAGS = (*schema.JSON_TAGS, *schema.TENSOR_TAGS, "lossdiag/unknown", "lossdiag/", *SCALAR_TAGS)
CONTENTS = (b"1", b"99", b"", b"x", b"-1", b"1.5", b"\xff\xfe", "٣".encode(), b"9" * 5000)
NUMBERS = (*any_run.DOUBLE, 1e300, -1e300, 0, 1, -1, 2**31, 2**53, 10**18, *HUGE)
JSON_PARTS = (None, True, "", "x\ud800", "a\x1b[2J", [], {}, [[]], {"": None}, [1, "a", None], *NUMBERS)
SIZED = {"batch_size", "steps_per_epoch", "epochs", "parameters", "trainable_parameters", "units"}  # of cards
ODD = (*NUMBERS, "Adam", "x" * 300, None, [], {}, [{}], [[1]], {"name": "Adam", "config": {"learning_rate": 10**400}})
JSON_TEXTS = (
    b"",
    b"null",
    b"[]",
    b"{",
    b"\xff",
    b'{"a":1}x',
    b"[" * 5000,
    b'{"a":' * 5000,
    b'"' + b"x" * 9,
    b"1e999",
    b"NaN",
)
DTYPES = (
    np.float32, np.float64, np.float16, np.int8, np.int64, np.uint64, np.bool_, np.complex64, np.str_, np.object_,
)  # fmt: skip
PROTO_DTYPES = (
    types_pb2.DT_INVALID, types_pb2.DT_BFLOAT16, types_pb2.DT_RESOURCE, types_pb2.DT_VARIANT, types_pb2.DT_STRING,
    types_pb2.DT_HALF, types_pb2.DT_FLOAT, types_pb2.DT_DOUBLE, types_pb2.DT_QINT8, 77,
)  # fmt: skip
SIZES = (0, 1, 2, -1, 7, 10**6, 2**31, 2**62)


def part_of(events: Events, rng: np.random.Generator) -> Events:
    """One event, a stretch of them, or all of one tag."""
    if not events:
        return []
    at = int(rng.integers(len(events)))
    tag = tag_of(events[at])
    return ([events[at]], events[at : at + 5], [e for e in events if tag_of(e) == tag])[rng.integers(3)]


def tag_of(event: event_pb2.Event) -> str:
    return event.summary.value[0].tag if event.summary.value else ""


def values_of(events: Events, rng: np.random.Generator) -> list[summary_pb2.Summary.Value]:
    return [value for event in part_of(events, rng) for value in event.summary.value]


def odd_steps(events: Events, rng: np.random.Generator) -> None:
    step = int(rng.choice(STEPS))
    for number, event in enumerate(part_of(events, rng)):
        event.step = min(2**63 - 1, step + number * int(rng.integers(2)))


def odd_walls(events: Events, rng: np.random.Generator) -> None:
    for event in part_of(events, rng):
        event.wall_time = rng.choice(WALLS)


def odd_order(events: Events, rng: np.random.Generator) -> None:
    at = int(rng.integers(len(events) + 1))
    if rng.integers(2):
        events[:] = events[at:] + events[:at]
    else:
        rng.shuffle(events)


def repeated(events: Events, rng: np.random.Generator) -> None:
    events += part_of(events, rng)


def dropped(events: Events, rng: np.random.Generator) -> None:
    gone = part_of(events, rng)
    events[:] = [event for event in events if not any(event is one for one in gone)]


def odd_tags(events: Events, rng: np.random.Generator) -> None:
    tag = TAGS[rng.integers(len(TAGS))]
    for value in values_of(events, rng):
        value.tag = tag


def odd_contents(events: Events, rng: np.random.Generator) -> None:
    content = CONTENTS[rng.integers(len(CONTENTS))]
    for value in values_of(events, rng):
        value.metadata.plugin_data.content = content


def odd_plugins(events: Events, rng: np.random.Generator) -> None:
    name = ("scalars", "lossdiag", "histograms", "", "text")[rng.integers(5)]
    for value in values_of(events, rng):
        value.metadata.plugin_data.plugin_name = name
        value.metadata.data_class = int(rng.integers(5))


def odd_tensors(events: Events, rng: np.random.Generator) -> None:
    """Of another type or shape than the card says, with as many values."""
    shape = tuple(rng.choice((0, 1, 2, 3, 12), rng.integers(4)).tolist())
    dtype = DTYPES[rng.integers(len(DTYPES))]
    with np.errstate(all="ignore"):
        array = rng.choice(any_run.EXTREME, shape).astype(np.float32)
        array = np.nan_to_num(array).astype(dtype) if np.dtype(dtype).kind in "iub" else array.astype(dtype)
    tensor = make_tensor_proto(array.astype(str) if array.dtype == object else array)
    for value in values_of(events, rng):
        value.tensor.CopyFrom(tensor)


def odd_tensor_protos(events: Events, rng: np.random.Generator) -> None:
    """Whose declared type, shape and content do not agree."""
    size = tensor_shape_pb2.TensorShapeProto.Dim
    for value in values_of(events, rng):
        what = rng.integers(5)
        if what == 0:
            value.tensor.dtype = PROTO_DTYPES[rng.integers(len(PROTO_DTYPES))]
        elif what == 1:
            value.tensor.tensor_content = value.tensor.tensor_content[: int(rng.integers(9))]
        elif what == 2:
            value.tensor.tensor_content += b"\x00" * int(rng.integers(1, 9))
        elif what == 3:
            value.tensor.tensor_shape.dim.append(size(size=int(rng.choice(SIZES))))
        else:
            value.tensor.tensor_shape.unknown_rank = True


def odd_cards(events: Events, rng: np.random.Generator) -> None:
    """A card, epoch or event with other numbers, or with something else, where a number or a word is asked for."""
    for value, told in objects_of(events)[: int(rng.integers(1, 4))]:
        numbers = [key for key, part in told.items() if part is None or isinstance(part, (int, float))]
        for keys, parts in ((numbers, NUMBERS), (list(told), ODD)):
            for key in rng.permutation(keys)[: int(rng.integers(4))]:
                told[str(key)] = parts[rng.integers(len(parts))]
        value.tensor.string_val[0] = json.dumps(told).encode()


def odd_sizes(events: Events, rng: np.random.Generator) -> None:
    """A card of the right types whose whole numbers are no sizes of anything."""
    wholes = [number for number in NUMBERS if isinstance(number, int)]
    for value, told in objects_of(events):
        layers = told.get("layers")
        for part in (told, *(layers if isinstance(layers, list) else ())):
            for key in SIZED.intersection(part if isinstance(part, dict) else ()):
                part[key] = wholes[rng.integers(len(wholes))] if rng.integers(2) else part[key]
        value.tensor.string_val[0] = json.dumps(told).encode()


def objects_of(events: Events) -> list[tuple[summary_pb2.Summary.Value, dict]]:
    """The values that hold a JSON object, and the object."""
    found = []
    for value in (value for event in events for value in event.summary.value if value.tensor.string_val):
        try:
            told = json.loads(value.tensor.string_val[0])
        except (ValueError, RecursionError):
            continue
        if isinstance(told, dict):
            found.append((value, told))
    return found


def odd_texts(events: Events, rng: np.random.Generator) -> None:
    """JSON with a part that is something else, or no JSON."""
    values = [v for event in events for v in event.summary.value if v.tensor.string_val]
    for value in values[int(rng.integers(len(values) + 1)) :][:3]:
        if rng.integers(6) == 0:
            text = JSON_TEXTS[rng.integers(len(JSON_TEXTS))]
        else:
            try:
                text = json.dumps(altered(json.loads(value.tensor.string_val[0]), rng)).encode()
            except (ValueError, RecursionError):
                continue
        value.tensor.string_val[0] = text


def altered(told: Any, rng: np.random.Generator) -> Any:
    """The JSON value with one part somewhere in it replaced, taken out or repeated."""
    if isinstance(told, dict) and told and rng.integers(5):
        key = list(told)[rng.integers(len(told))]
        if rng.integers(8) == 0:
            return {name: part for name, part in told.items() if name != key}
        return {**told, key: altered(told[key], rng)}
    if isinstance(told, list) and told and rng.integers(5):
        at = int(rng.integers(len(told)))
        if rng.integers(8) == 0:
            return told[:at] + told[at:] * 2
        return [*told[:at], altered(told[at], rng), *told[at + 1 :]]
    return JSON_PARTS[rng.integers(len(JSON_PARTS))]


def other_kinds(events: Events, rng: np.random.Generator) -> None:
    """What else TensorBoard's files hold: the start of a session, a graph, a version, an image."""
    at = int(rng.integers(len(events) + 1))
    session = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
    image = summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag="x", image=summary_pb2.Summary.Image(height=-1))])
    event = (
        event_pb2.Event(session_log=session, step=int(rng.choice((0, 1, 20)))),
        event_pb2.Event(graph_def=b"\xff\x00"),
        event_pb2.Event(file_version="brain.Event:1"),
        event_pb2.Event(summary=image),
        event_pb2.Event(),
    )[rng.integers(5)]
    events.insert(at, event)


def plain_values(events: Events, rng: np.random.Generator) -> None:
    for value in values_of(events, rng):
        with np.errstate(over="ignore"):
            value.simple_value = np.float32(rng.choice(any_run.DOUBLE))


# What is read most closely is altered most often.
ALTERATIONS: tuple[Callable[[Events, np.random.Generator], None], ...] = (
    odd_steps, odd_walls, odd_order, repeated, dropped, odd_tags, odd_contents, odd_plugins, odd_tensors,
    odd_tensor_protos, odd_texts, other_kinds, plain_values, odd_cards, odd_cards, odd_sizes, odd_sizes, odd_sizes,
)  # fmt: skip
