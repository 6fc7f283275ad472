"""The checker finds what the daemon must never do; or the rest of this suite proves nothing."""

import array

import pytest

from journal import Answer, Journal


def answer(sent_ns, received_ns, *values):
    return Answer(sent_ns, received_ns, array.array("Q", values))


def filled(*answers):
    journal = Journal("")
    for one in answers:
        journal.add(one)
    return journal


@pytest.mark.parametrize("answers", [
    pytest.param([answer(0, 1, 5, 5)], id="within an answer"),
    pytest.param([answer(0, 1, 5, 6), answer(2, 3, 6, 7)], id="one after the other"),
    pytest.param([answer(0, 3, 9), answer(1, 2, 9)], id="at the same time"),
])
def test_ids_that_come_twice_are_found(answers):
    """I1: wherever the second one is."""
    journal = filled(*answers)
    with pytest.raises(AssertionError, match="1 ids were issued twice"):
        journal.settle()
    assert journal.duplicates == 1


@pytest.mark.parametrize("answers", [
    pytest.param([answer(0, 1, 5, 4)], id="within an answer"),
    pytest.param([answer(0, 1, 5), answer(2, 3, 4)], id="one after the other"),
    pytest.param([answer(0, 9, 3), answer(1, 2, 7), answer(4, 5, 6)], id="under another one"),
])
def test_ids_that_are_out_of_order_are_found(answers):
    """I2: whatever was received before another one was asked for is smaller."""
    journal = filled(*answers)
    with pytest.raises(AssertionError, match="1 ids were out of order"):
        journal.settle()
    assert journal.order_violations == 1


def test_requests_at_the_same_time_may_be_answered_in_any_order():
    """I2: nobody can tell which of them was first."""
    journal = filled(answer(0, 5, 9, 10), answer(1, 4, 7, 8), answer(6, 7, 11))
    journal.settle()
    assert (journal.ids, journal.largest) == (5, 11)


@pytest.mark.parametrize("value", [10, 11])
def test_a_life_that_repeats_the_one_before_is_found(value):
    """I1, I2: what was checked is forgotten, but not how far it went."""
    journal = filled(answer(0, 1, 10, 11))
    journal.settle()
    journal.add(answer(2, 3, value, 12))
    with pytest.raises(AssertionError, match="out of order"):
        journal.settle()


def test_services_that_share_a_machine_id_are_found():
    """I1: two that run beside each other."""
    journal = filled(answer(0, 1, 1 << 24 | 7))
    journal.beside().add(answer(0, 1, 2 << 24 | 7))
    with pytest.raises(AssertionError, match="machine"):
        journal.finish()
