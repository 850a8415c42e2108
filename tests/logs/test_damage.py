"""Damaged files: both of TensorBoard's loaders, which differ there, lead to one reading that says what is missing."""

import dataclasses
import struct

import numpy as np
import pytest
from event_files import scalar, step_record, tensor, write

from tb_lossdiag import DiagnosticsWriter, ModelCard, schema
from tb_lossdiag.framing import framed
from tb_lossdiag.logs import list_experiments, provider, read_run
from tb_lossdiag.logs.damage import damage_in
from tb_lossdiag.run import Row

CARD = ModelCard(rows=(Row("fc", "variable"),))


def read(open_log, log_dir, name="exp"):
    log = open_log(log_dir)
    return read_run(log, list_experiments(log)[name])


def record_starts(content: bytes) -> list[int]:
    starts, at = [], 0
    while at < len(content):
        starts.append(at)
        at += 16 + struct.unpack_from("<Q", content, at)[0]
    return starts


@pytest.fixture
def written(tmp_path):
    """The file of a run of 60 steps with layers in each."""
    with DiagnosticsWriter(tmp_path / "logs" / "exp", CARD) as writer:
        for step in range(1, 61):
            writer.write_layers(step, {"gradient_norm": [step]})
            writer.write_step(step, loss=2.0 - step / 60, learning_rate=0.1)
    [path] = (tmp_path / "logs" / "exp" / "diagnostics").iterdir()
    return path


def same(one, other) -> bool:
    """Whether two readings are the same, number by number."""
    one, other = dataclasses.asdict(one), dataclasses.asdict(other)
    np.testing.assert_equal(one, other)
    return True


def spoil(path, how: str, record: int) -> None:
    content = bytearray(path.read_bytes())
    start = record_starts(bytes(content))[record]
    length = struct.unpack_from("<Q", content, start)[0]
    if how == "the length":
        content[start] ^= 1
    elif how == "the checksum of the length":
        content[start + 9] ^= 1
    elif how == "the checksum of the data":
        content[start + 12 + length] ^= 1
    elif how == "zeros":
        content[start:] = bytes(len(content) - start)
    elif how == "cut within":
        del content[start + 20 :]
    elif how == "bytes missing":
        del content[start + 20 : start + 25]
    else:
        content[start + 12 + int(how)] ^= 1
    path.write_bytes(content)


HOWS = ["the length", "the checksum of the length", "the checksum of the data", "zeros", "cut within", "bytes missing"]


@pytest.mark.parametrize("how", HOWS)
def test_what_lies_before_the_damage_counts_and_the_damage_is_named(open_log, tmp_path, written, how):
    spoil(written, how, 42)  # version, card, then layers and step in turn: the layers of step 21
    run = read(open_log, tmp_path / "logs")
    assert run.steps["loss"].steps.tolist() == list(range(1, 21))
    assert run.layers.steps.tolist() == list(range(1, 21))
    [note] = run.skipped
    assert note.startswith(written.name)
    assert "behind 42 records" in note


@pytest.mark.parametrize("at", [*range(0, 30), *range(30, 140, 7)])
def test_a_flipped_bit_anywhere_in_a_record_gives_the_same_reading_with_both_loaders(tmp_path, written, at, servers):
    spoil(written, str(at), 42)
    assert same(read(provider.open_log, tmp_path / "logs"), read(servers.open_log, tmp_path / "logs"))


def test_a_damaged_card_leaves_nothing_that_only_one_loader_has(tmp_path, written, servers):
    spoil(written, "20", 1)
    python, rust = read_all(provider.open_log(tmp_path / "logs")), read_all(servers.open_log(tmp_path / "logs"))
    assert python == {} or same(python["exp"], rust["exp"])


def read_all(log):
    return {name: read_run(log, found) for name, found in list_experiments(log).items()}


@pytest.fixture
def servers():
    from conftest import DataServers

    with DataServers() as started:
        yield started


def test_a_run_that_is_still_written_is_not_damaged(open_log, tmp_path):
    with DiagnosticsWriter(tmp_path / "logs" / "exp") as writer:
        for step in range(1, 11):
            writer.write_step(step, loss=1.0)
        assert read(open_log, tmp_path / "logs").skipped == ()


def test_a_run_that_was_killed_is_not_damaged(open_log, tmp_path):
    events = [tensor(schema.CARD, 1, schema.encode_json(ModelCard().to_dict()))]
    events += [tensor(schema.STEPS, step, step_record(step, loss=1.0)) for step in range(1, 11)]
    write(tmp_path / "logs" / "exp" / "diagnostics", events)
    assert read(open_log, tmp_path / "logs").skipped == ()


def test_a_file_of_garbage_beside_a_good_one_is_named_and_the_good_one_read(open_log, tmp_path, written):
    garbage = written.with_name("events.out.tfevents.1.x")
    garbage.write_bytes(b"garbage" * 999)
    run = read(open_log, tmp_path / "logs")
    assert len(run.steps["loss"]) == 60
    assert run.skipped == ("events.out.tfevents.1.x: no event file, or damaged from its first byte on",)


def test_an_empty_file_is_one_that_begins(open_log, tmp_path, written):
    written.with_name("events.out.tfevents.9.x").touch()
    assert read(open_log, tmp_path / "logs").skipped == ()


def test_what_follows_in_a_later_file_counts(open_log, tmp_path, written):
    spoil(written, "the checksum of the data", 42)
    with DiagnosticsWriter(tmp_path / "logs" / "exp", CARD) as writer:
        for step in range(61, 71):
            writer.write_step(step, loss=1.0)
    run = read(open_log, tmp_path / "logs")
    assert run.steps["loss"].steps.tolist() == [*range(1, 21), *range(61, 71)]
    assert len(run.skipped) == 1


def test_a_sound_record_that_is_no_event_is_damage(open_log, tmp_path):
    directory = tmp_path / "logs" / "exp" / "diagnostics"
    events = [tensor(schema.CARD, 1, schema.encode_json(ModelCard().to_dict()))]
    path = write(directory, [*events, tensor(schema.STEPS, 1, step_record(1, loss=1.0))])
    with open(path, "ab") as file:
        file.write(framed(b"\xff\xff\xff no protocol buffer") * 2)
        file.write(framed(tensor(schema.STEPS, 2, step_record(2, loss=1.0)).SerializeToString()))
    write(directory, [tensor(schema.STEPS, 3, step_record(3, loss=1.0))], "events.out.tfevents.2.host")
    run = read(open_log, tmp_path / "logs")
    assert run.steps["loss"].steps.tolist() == [1, 3]
    assert run.skipped[0].endswith("behind 3 records; the 2 records behind it, up to step 2, are left out")


def test_plain_scalars_behind_the_damage_are_left_out_too(open_log, tmp_path):
    path = write(tmp_path / "logs" / "exp", [scalar("loss", step, 1 / (step + 1)) for step in range(20)])
    spoil(path, "the checksum of the data", 11)
    run = read(open_log, tmp_path / "logs")
    assert run.steps["loss"].steps.tolist() == list(range(10))
    assert [note for note in run.skipped if path.name in note]


def test_the_end_of_a_record_of_another_writer_may_come_later(tmp_path):
    path = write(tmp_path, [scalar("loss", 1, 1.0), scalar("loss", 2, 1.0)])
    path.write_bytes(path.read_bytes()[:-5])
    assert damage_in(tmp_path, one_writer=False).notes == []
    assert len(damage_in(tmp_path, one_writer=True).notes) == 1


def test_what_is_no_directory_has_no_damage(tmp_path):
    (tmp_path / "events.out.tfevents.1.directory").mkdir()
    assert damage_in(tmp_path, one_writer=True).notes == damage_in(tmp_path / "nowhere", one_writer=True).notes == []
    assert damage_in(tmp_path / "nul\0", one_writer=True).notes == []
