from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.gsm7 import BASIC, EXTENSION, MARK, TextTooLong, fit, measure
from tasks.notification import InvalidNotification, parse
from tasks.text_message import WIDEST_NUMBER, compose_text, refuse_too_long
from tests.rigs.notifications import email, text, texts

phone_texts = st.lists(
    st.text("".join(sorted(BASIC | EXTENSION)), max_size=60)
    | st.text(max_size=20)
    | st.sampled_from([" ", "\U0001f600"]),
    max_size=12,
).map("".join)  # fmt: skip


def test_the_alphabet_has_the_size_of_the_standard() -> None:
    assert len(BASIC) == 128 - 1  # the escape code is no character
    assert len(EXTENSION) == 10
    assert not BASIC & EXTENSION


@pytest.mark.parametrize(
    "written, used, limit, alphabet",
    [
        ("", 0, 160, "GSM-7"),
        ("a" * 160, 160, 160, "GSM-7"),
        ("@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà", 42, 160, "GSM-7"),
        ("€", 2, 160, "GSM-7"),
        ("[a]", 5, 160, "GSM-7"),
        ("\n\f", 3, 160, "GSM-7"),
        ("\t", 1, 70, "UCS-2"),
        ("ç", 1, 70, "UCS-2"),
        ("\u201ca\u201d", 3, 70, "UCS-2"),
        ("[\U0001f600]", 4, 70, "UCS-2"),
    ],
)
def test_characters_are_counted_as_phones_count_them(
    written: str, used: int, limit: int, alphabet: str
) -> None:
    length = measure(written)
    assert (length.used, length.limit, length.alphabet) == (used, limit, alphabet)


@pytest.mark.parametrize(
    "written, shown",
    [
        ("a" * 160, "a" * 160),
        ("a" * 161, "a" * 157 + "..."),
        ("word " * 40, "word " * 30 + "word..."),
        ("[" * 81, "[" * 78 + "..."),
        ("\U0001f600" * 36, "\U0001f600" * 33 + "..."),
        ("é" * 100 + " " + "x" * 80, "é" * 100 + "..."),
        ("ID=5 " + "x" * 200, "ID=5 " + "x" * 152 + "..."),
        ("ID=5 " + "漢" * 100, "ID=5 " + "漢" * 62 + "..."),
        ("a" * 156 + " b tail", "a" * 156 + "..."),
        ("plain " * 20 + "\U0001f600 end", "plain " * 19 + "plain..."),
    ],
)
def test_a_long_text_is_cut_after_a_word_and_marked(written: str, shown: str) -> None:
    assert fit(written, "cut") == shown


@given(phone_texts)
@example("\n" * 161)
@example("a" * 158 + "[[[")
def test_a_cut_always_fits_and_is_a_start_of_the_text(written: str) -> None:
    shown = fit(written, "cut")
    assert measure(shown).fits
    if measure(written).fits:
        assert shown == written
        return
    start = shown.removesuffix(MARK)
    assert shown == start + MARK
    assert written.startswith(start)
    rest = written[len(start) :]
    inside_a_word = bool(start) and not rest[:1].isspace()
    if inside_a_word:  # then the part of the word that would have been lost is at least half of what fits
        lost = len(start) - max((at for at, character in enumerate(start) if character.isspace()), default=0)
        assert lost >= len(start) // 2


@given(phone_texts)
def test_a_cut_wastes_at_most_one_word(written: str) -> None:
    shown = fit(written, "cut")
    if shown == written:
        return
    start = shown.removesuffix(MARK)
    rest = written[len(start) :]
    next_word = rest[: len(rest) - len(rest.lstrip())] + (rest.lstrip().split(maxsplit=1) or [""])[0]
    next_character = written[: len(start) + 1]
    assert not measure(start + next_word + MARK).fits or not measure(next_character + MARK).fits


@given(phone_texts)
def test_refusing_states_the_counts_and_not_the_text(written: str) -> None:
    length = measure(written)
    if length.fits:
        assert fit(written, "refuse") == written
        return
    with pytest.raises(TextTooLong) as caught:
        fit(written, "refuse")
    assert caught.value.length == length
    assert str(length.used) in str(caught.value)


def test_a_text_has_the_number_and_nothing_else_in_front() -> None:
    notification = parse(text(message="Pay failed", context={"job": "Pay", "trigger": "Job Failed"}))
    assert compose_text(notification, 7).text == "ID=7 Pay failed"


def test_a_text_is_expanded_before_it_is_cut_and_unknown_tokens_are_told() -> None:
    notification = parse(text(message=r"[[$NOTIFYID]] \n[[job]] [[?]]", context={"job": "x " * 100}))
    composed = compose_text(notification, 7)
    assert composed.text.startswith("ID=7 7 \nx x")
    assert composed.text.endswith("x...")
    assert composed.unknown == ("?",)


def test_typographic_signs_and_tabs_do_not_cost_the_seven_bit_alphabet() -> None:
    notification = parse(text(message="\u201cPay\u201d \u2013 it\u2019s\tlate\u2026\nnow"))
    assert compose_text(notification, 7).text == 'ID=7 "Pay" - it\'s late...\nnow'
    assert measure(compose_text(notification, 7).text).alphabet == "GSM-7"


def test_a_text_that_may_not_be_cut_is_refused_before_it_has_its_number() -> None:
    room = 160 - len("ID=9999999999 ")
    refuse_too_long(parse(text(message="x" * room, long_text="refuse")))
    with pytest.raises(InvalidNotification) as caught:
        refuse_too_long(parse(text(message="x" * (room + 1), long_text="refuse")))
    assert str(caught.value) == (
        "message takes 161 characters of a text, its number included; "
        'allowed: 160 in GSM-7, or long_text "cut".'
    )
    assert caught.value.__context__ is None


def test_only_texts_that_may_not_be_cut_are_refused_for_length() -> None:
    refuse_too_long(parse(text(message="x" * 500)))
    refuse_too_long(parse(email(message="x" * 500, long_text="refuse")))


@given(texts, st.integers(1, WIDEST_NUMBER))
def test_what_passed_the_door_fits_with_any_number(document: dict[str, object], number: int) -> None:
    notification = parse(document)
    try:
        refuse_too_long(notification)
    except InvalidNotification:
        return
    composed = compose_text(notification, number).text
    assert measure(composed).fits
    assert composed.startswith(f"ID={number} ")
