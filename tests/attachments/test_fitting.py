"""Which files fit into a mail, as a table and as a rule."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.attachments.fitting import MEGABYTE, Room, Size, fit, megabytes

ROOM = Room("Primary Email", total_bytes=100, number=3)


def sizes(*bodies: int) -> list[Size]:
    return [Size(body, body + 10) for body in bodies]


@pytest.mark.parametrize(
    "bodies, room, goes",
    [
        ([], ROOM, ""),
        ([100], ROOM, "y"),
        ([101], ROOM, "n"),
        ([60, 60, 40], ROOM, "yny"),
        ([0, 0, 0, 0], ROOM, "yyyn"),
        ([90, 90, 1, 1, 1], ROOM, "ynyyn"),
        ([1], dataclasses.replace(ROOM, number=0), "n"),
        ([0], dataclasses.replace(ROOM, total_bytes=0), "n"),
        ([1, 1], dataclasses.replace(ROOM, number=1), "yn"),
        ([40, 40], dataclasses.replace(ROOM, parts_bytes=100), "yy"),
        ([40, 41, 1], dataclasses.replace(ROOM, parts_bytes=100), "yny"),
        ([1], dataclasses.replace(ROOM, parts_bytes=-5), "n"),
    ],
)
def test_as_many_as_fit_go_in_the_order_they_were_asked_for(bodies: list[int], room: Room, goes: str) -> None:
    assert "".join("n" if why else "y" for why in fit(sizes(*bodies), room)) == goes


def test_each_refusal_says_which_limit_and_whose() -> None:
    room = Room("Secondary Email", total_bytes=10 * MEGABYTE, number=1)
    assert fit(sizes(11 * MEGABYTE, 1, 1), room) == [
        "too large, Secondary Email takes 10 MB of attachments, and as sent it has 11 MB",
        "",
        "Secondary Email takes no more than 1 attachment",
    ]
    none = dataclasses.replace(room, number=0)
    assert fit(sizes(1), none) == ["Secondary Email takes no attachments"]
    small = dataclasses.replace(room, parts_bytes=1, message_bytes=2 * MEGABYTE)
    assert fit(sizes(1536), small) == [
        "too large, Secondary Email takes mails of 2 MB, and as sent it has 2 kB"
    ]


@given(st.lists(st.integers(0, 60)), st.integers(0, 120), st.integers(0, 5), st.none() | st.integers(0, 120))
def test_no_limit_is_passed_and_nothing_that_fits_is_left_out(
    bodies: list[int], total_bytes: int, number: int, parts_bytes: int | None
) -> None:
    room = Room("x", total_bytes, number, parts_bytes)
    given_sizes = sizes(*bodies)
    told = fit(given_sizes, room)
    here = [size for size, why in zip(given_sizes, told, strict=True) if not why]
    assert len(here) <= number
    assert sum(size.body_bytes for size in here) <= total_bytes
    assert parts_bytes is None or sum(size.part_bytes for size in here) <= parts_bytes or not here
    for place, why in enumerate(told):
        if why:
            before = [
                size for size, other in zip(given_sizes[:place], told[:place], strict=True) if not other
            ]
            assert fit([*before, given_sizes[place]], room)[-1]


@pytest.mark.parametrize(
    "size_bytes, words",
    [(0, "0 bytes"), (1023, "1023 bytes"), (1024, "1 kB"), (MEGABYTE, "1 MB"), (12_900_000, "12.3 MB")],
)
def test_sizes_in_words(size_bytes: int, words: str) -> None:
    assert megabytes(size_bytes) == words
