"""What `message replay` and `message cancel` share: whom they mean, and how they end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import click
import redis

from console.cli.correction_view import tally_lines, tell_broken_off, with_progress
from console.cli.errors import FAILED, BadInput, NothingMatched
from console.cli.message_filter_flags import filter_of
from console.cli.message_lookup import Desk
from console.cli.output import say, say_json, tell
from console.cli.screen import Screen
from console.presenting.correction_json import correction_json
from tasks.corrections import DONE, MOST, Choice, Chosen, Corrected
from tasks.ledger import State


def chosen_by(
    at: Desk, ids: Sequence[str], given: Mapping[str, Any], states: frozenset[State], *, most: int = MOST
) -> Choice:
    """The notifications that ids or flags name.

    Args:
        at: Where.
        ids: Ids and numbers.
        given: The flags of a filter.
        states: Those that are meant where no state was typed, and the only ones that may be.
        most: No more than these.

    Raises:
        BadInput: Both were given, or neither; or a state that does not go with the command.
        NothingMatched: There is no such notification.
    """
    wanted = filter_of(given)
    if ids:
        if not wanted.is_empty:
            raise BadInput("ID: stands beside a filter", "name ids, or use flags such as --state and --job")
        # Twice the same is meant once.
        named = {(record := at.found(one)).id: Chosen.of(record) for one in ids}
        return Choice(tuple(named.values()), is_whole=True)
    if wanted.is_empty:
        raise BadInput("nothing is named", "name ids, or use flags such as --state, --job and --since")
    foreign = sorted(wanted.states - states)
    if foreign:
        raise BadInput(
            f"--state: {', '.join(foreign)} does not go with this; allowed: {', '.join(sorted(states))}",
            "`notify message list` shows any state",
        )
    choice = at.corrections.choose(replace(wanted, states=wanted.states or states), most=most)
    if not choice.chosen:
        raise NothingMatched("nothing matches", "`notify message list` takes the same flags")
    return choice


def carry_out(
    choice: Choice,
    correct: Callable[[Sequence[Chosen]], Iterator[Corrected]],
    *,
    dry_run: bool,
    as_json: bool,
    named: bool,
) -> None:
    """Correct them, and tell what became of how many.

    Exit code 1 where nothing was done, or where one that was named by its id was not.
    """
    corrected: list[Corrected] = []
    try:
        # Kept one by one, so that what is done is known where it is broken off.
        corrected.extend(with_progress(correct(choice.chosen), len(choice.chosen)))
    except (KeyboardInterrupt, redis.RedisError):
        tell_broken_off(corrected, len(choice.chosen))
        raise
    if as_json:
        say_json(correction_json(corrected, dry_run=dry_run, is_whole=choice.is_whole))
    else:
        for line in tally_lines(corrected, dry_run=dry_run, screen=Screen.of(sys.stdout)):
            say(line)
    if not choice.is_whole:
        tell(f"more match: these are the newest {len(choice.chosen)}; repeat the command for the rest")
    if dry_run:
        tell("dry run: nothing was changed")
    done = sum(one.answer in DONE for one in corrected)
    if not done or (named and done < len(corrected)):
        raise click.exceptions.Exit(FAILED)
