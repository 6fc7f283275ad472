"""State files that are damaged, foreign, missing, or of another service: refused, never guessed."""

import pytest

from journal import load
from service import LONG, first_answer, refused_start, service


@pytest.fixture(name="record")
def fixture_record(state):
    """The bytes of a state file, as a clean stop leaves them."""
    with service(state=state) as server:
        assert server.stop() == 0
    return (state / "go-id.state").read_bytes()


def expect_refusal(state, journal, damaged):
    """It does not start, says that it is the file, and leaves that as it is."""
    path = state / "go-id.state"
    path.write_bytes(damaged)
    with journal.fault():
        line = refused_start(state=state)
    assert "go-id.state" in line
    assert "MIN_ID" in line  # one of the ways out
    assert path.read_bytes() == damaged


def test_every_flipped_byte_is_noticed(state, record, journal):
    """I4: one bit of every byte, another one from byte to byte; all of them in the long suite."""
    for position in range(len(record)):
        for bit in range(8) if LONG else [position % 8]:
            damaged = bytearray(record)
            damaged[position] ^= 1 << bit
            expect_refusal(state, journal, bytes(damaged))


def test_every_truncation_is_noticed(state, record, journal):
    """I4: every length, from the empty file to all but the last byte."""
    for length in range(len(record)):
        expect_refusal(state, journal, record[:length])


@pytest.mark.parametrize("change", [
    pytest.param(lambda record: record + b"\n", id="a line more"),
    pytest.param(lambda record: record + record, id="twice"),
    pytest.param(lambda record: b"\xef\xbb\xbf" + record, id="a byte order mark"),
    pytest.param(lambda record: record.replace(b"\n", b"\r\n"), id="an editor's line ends"),
    pytest.param(lambda record: bytes(len(record)), id="zeros"),
    pytest.param(lambda record: b"x" * 10_000_000, id="something large"),
    pytest.param(lambda record: record[:len(record) // 2] + bytes(len(record) // 2), id="torn"),
])
def test_what_is_no_state_file_is_noticed(state, record, journal, change):
    """I4: foreign files, and what editors and crashes make of a good one."""
    expect_refusal(state, journal, change(record))


def test_a_state_file_that_cannot_be_read_is_not_taken_for_a_missing_one(state, record, journal):
    """I4: there is a folder in its place."""
    path = state / "go-id.state"
    path.unlink()
    path.mkdir()
    with journal.fault():
        assert "go-id.state" in refused_start(state=state)
    assert path.is_dir()


def test_a_half_written_successor_does_no_harm(state, record, journal):
    """I1, I2: the crash came before the rename."""
    for rest in (b"", record[:100], record + record):
        (state / "go-id.state.new").write_bytes(rest)
        with journal.fault(), service(state=state) as server, \
             load(journal, server.address) as clients:
            clients.await_answers(20)


def test_another_start_time_is_refused(state, record, journal):
    """I2, I4: with another START_TIME ids would repeat or go back."""
    with journal.fault():
        line = refused_start(state=state, START_TIME="2020-01-01T00:00:00Z")
    assert "START_TIME" in line or "start time" in line
    assert "migrate" in line  # one way out; the other one is a new directory
    assert (state / "go-id.state").read_bytes() == record


def test_a_folder_that_is_missing_is_not_made_where_it_was_asked_for(directory, journal):
    """I4: a volume may not be mounted; a new state there would know nothing of the old one."""
    with journal.fault():
        line = refused_start(state=directory / "volume" / "state")
        assert "volume" in line
        line = refused_start(state=directory / "gone")
        assert "gone" in line
    assert not (directory / "volume").exists() and not (directory / "gone").exists()


def test_a_state_that_is_lost_is_made_up_for_by_min_id(state, record, journal):
    """I1, I2: the operator knows the largest id that can have been issued."""
    with service(state=state) as server, load(journal, server.address) as clients:
        clients.await_answers(50)
    (state / "go-id.state").unlink()
    floor = journal.largest + (256 << 24)  # 2.56 s further on
    with journal.fault(), service(state=state, MIN_ID=floor) as server:
        assert first_answer(server, journal).ids[0] > floor
