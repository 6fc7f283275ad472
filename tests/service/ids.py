"""The arithmetic of ids, written down a second time, independent of the daemon's."""

import array
import collections
import sys
import time

START_TIME_MS = 1409529600000  # 2014-09-01T00:00:00Z
TICK_MS = 10
IDS_PER_TICK = 256  # per shard
ID_MAX = 2**63 - 1


def tick_of(value):
    return value >> 24


def sequence_of(value):
    return value >> 16 & 0xFF


def machine_id_of(value):
    return value & 0xFFFF


def compose(tick, sequence, machine_id):
    return tick << 24 | sequence << 16 | machine_id


def unix_ms_of(value):
    return START_TIME_MS + tick_of(value) * TICK_MS


def now_ms():
    return time.time_ns() // 1_000_000


def tick_now():
    return (now_ms() - START_TIME_MS) // TICK_MS


def from_binary(body):
    """The ids of a format=binary body."""
    values = array.array("Q")
    values.frombytes(body)
    if sys.byteorder == "little":
        values.byteswap()
    return list(values)


def is_increasing(values):
    """Strictly: none twice."""
    return all(left < right for left, right in zip(values, values[1:]))


def fullest_tick(values):
    """The number of ids in the tick that has most."""
    return max(collections.Counter(map(tick_of, values)).values())
