"""Everything that clients of a daemon were told, and whether it keeps the promises.

A journal is about one state directory, however many daemons work on it one after the other.
"""

import array
import contextlib
import itertools
import operator
import sys
import threading
import time
from typing import NamedTuple

from harness import DEADLINE_S, wait_until
from http_client import Closed, Connection

# What clients ask for in turn: many ids, one, some.
TARGETS = ("/generate?count=40&format=binary", "/generate?format=binary",
           "/generate?count=7&format=binary", "/generate?format=binary")

PAUSE_S = 0.001  # between the requests of a client


class Answer(NamedTuple):
    """Ids that somebody got; times are of CLOCK_MONOTONIC."""

    sent_ns: int
    received_ns: int
    ids: array.array


class Refusal(NamedTuple):
    """A 503."""

    received_ns: int
    retry_after_s: int
    detail: str


def ids_of(body):
    """The ids of a format=binary body."""
    values = array.array("Q")
    values.frombytes(body)
    if sys.byteorder == "little":
        values.byteswap()
    return values


def ask(connection, journal, target="/generate?format=binary"):
    """One request; the journal gets the answer, which is returned."""
    sent_ns = time.monotonic_ns()
    response = connection.get(target)
    received_ns = time.monotonic_ns()
    if response.status == 200:
        answer = Answer(sent_ns, received_ns, ids_of(response.body))
        journal.add(answer)
        return answer
    assert response.status == 503, response
    refusal = Refusal(received_ns, int(response.headers["retry-after"]),
                      response.json()["detail"])
    journal.refusals.append(refusal)
    return refusal


class Journal:
    """Collects answers from any number of threads; settle() is for one."""

    def __init__(self, name):
        self.name = name
        self.faults = 0
        self.ids = 0
        self.refusals = []
        self.losses = 0  # requests without an answer
        self.longest_gap_ns = None
        self.duplicates = 0
        self.order_violations = 0
        self._answers = []
        self._times = array.array("q")  # of answers since the last fault began
        self._beside = []
        self.largest = 0  # of the ids that were checked
        self.machine_ids = set()  # of the same

    def add(self, answer):
        self._answers.append(answer)
        self._times.append(answer.received_ns)

    def beside(self):
        """A journal for a service beside this one: with an order, and machine ids, of its own."""
        self._beside.append(Journal(self.name))
        return self._beside[-1]

    def answers(self):
        """How many there are since settle()."""
        return len(self._answers)

    @contextlib.contextmanager
    def fault(self, count=1):
        """A fault happens while this lasts; how long was there no success?"""
        self._times = array.array("q")
        began_ns = time.monotonic_ns()
        yield
        ended_ns = time.monotonic_ns()
        self.faults += count
        if not self._times:
            return  # nobody asks for ids meanwhile
        edges = sorted([began_ns, *self._times, ended_ns])
        gap_ns = max(map(operator.sub, edges[1:], edges))
        self.longest_gap_ns = max(gap_ns, self.longest_gap_ns or 0)

    def settle(self):
        """Checks what has come since the last time, drops it, and fails if a promise was broken.

        No request may be under way: whatever is answered later has to be larger.
        """
        answers, self._answers = self._answers, []
        if not answers:
            return
        values = array.array("Q")
        for answer in answers:
            assert len(answer.ids) > 0
            values.extend(answer.ids)
        self.ids += len(values)
        ordered = sorted(values)
        self.duplicates += sum(map(operator.eq, ordered, itertools.islice(ordered, 1, None)))
        self.machine_ids.update(value & 0xFFFF for value in values)
        self.order_violations += disorder(answers) + (ordered[0] <= self.largest)
        self.largest = max(self.largest, ordered[-1])
        assert self.duplicates == 0, f"{self.duplicates} ids were issued twice"
        assert self.order_violations == 0, f"{self.order_violations} ids were out of order"

    def finish(self):
        """Checks the rest; with services beside it, that they have no machine id in common."""
        self.settle()
        for other in self._beside:
            other.finish()
            both = self.machine_ids & other.machine_ids
            assert not both, f"two services issued ids of machine {both}"
            self.machine_ids |= other.machine_ids
            self.ids += other.ids
            self.refusals += other.refusals
            self.losses += other.losses


def disorder(answers):
    """How many answers are out of order.

    Within an answer ids increase; and when it was received before another one was asked for, all
    its ids are smaller than all of the other.  What was under way at the same time may come in
    any order.
    """
    bad = sum(not all(map(operator.lt, answer.ids, itertools.islice(answer.ids, 1, None)))
              for answer in answers)
    by_end = sorted(answers, key=operator.attrgetter("received_ns"))
    largest, ended = 0, 0
    for answer in sorted(answers, key=operator.attrgetter("sent_ns")):
        while ended < len(by_end) and by_end[ended].received_ns < answer.sent_ns:
            largest = max(largest, by_end[ended].ids[-1])
            ended += 1
        bad += answer.ids[0] <= largest
    return bad


class Load:
    """Clients that ask for ids all the time, until stop()."""

    def __init__(self, journal, address, clients, targets, reconnect):
        self.journal = journal
        self._targets = targets
        self._reconnect = reconnect
        self._address = address
        self._stopping = threading.Event()
        self._daemon_ends = False
        self._problems = []
        self._threads = [threading.Thread(target=self._run, args=[number])
                         for number in range(clients)]
        for thread in self._threads:
            thread.start()

    def expect_end(self):
        """From here on a connection may break: the daemon is about to be killed."""
        self._daemon_ends = True

    def await_answers(self, count):
        """Waits for so many more answers."""
        goal = self.journal.answers() + count
        self.await_true(lambda: self.journal.answers() >= goal, f"{count} answers under load")

    def await_refusal(self, word=""):
        """Waits for a refusal that comes from now on and has the word in it, and returns it."""
        before = len(self.journal.refusals)

        def find():
            return next((refusal for refusal in self.journal.refusals[before:]
                         if word in refusal.detail), None)
        return self.await_true(find, f"a refusal with '{word}' in it")

    def await_true(self, condition, what):
        def look():
            assert not self._problems, self._problems
            return condition()
        return wait_until(look, what)

    def stop(self):
        self._stopping.set()
        for thread in self._threads:
            thread.join(2 * DEADLINE_S)
            assert not thread.is_alive()
        assert not self._problems, self._problems

    def _run(self, number):
        while not self._stopping.is_set():
            try:
                self._ask_on(number)
            except (Closed, OSError) as problem:
                self.journal.losses += 1
                if self._daemon_ends:
                    return
                if not self._reconnect:
                    self._problems.append(problem)
                    return
            except BaseException as problem:
                self._problems.append(problem)
                return

    def _ask_on(self, number):
        with Connection(self._address) as connection:
            for target in itertools.islice(itertools.cycle(self._targets), number, None):
                if self._stopping.is_set():
                    return
                ask(connection, self.journal, target)
                time.sleep(PAUSE_S)


@contextlib.contextmanager
def load(journal, address, clients=3, targets=TARGETS, reconnect=False):
    """Yields a Load; what came of it is checked at the end.

    reconnect is for when connections may be closed in between; else that is a failure.
    """
    running = Load(journal, address, clients, targets, reconnect)
    try:
        yield running
    except BaseException:
        running.expect_end()  # there is one problem already
        with contextlib.suppress(AssertionError):
            running.stop()
        raise
    running.stop()
    journal.settle()
