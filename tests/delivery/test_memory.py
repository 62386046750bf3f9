"""What a pass remembers comes back as it was, and nothing is remembered of what nobody said."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tasks.delivery.memory import Memory, Unsure, read_memory, write_memory

names = st.sampled_from(["f1", "f2", "f3"])
indexes = st.integers(0, 500)
moments = st.integers(1, 2_000_000_000_000)
memories = st.builds(
    Memory,
    refused=st.dictionaries(names, st.lists(indexes, unique=True)),
    message_refused=st.lists(names, unique=True),
    not_before_ms=st.dictionaries(names, moments),
    recipient_not_before_ms=st.dictionaries(names, st.dictionaries(indexes, moments)),
    throttled=st.dictionaries(names, indexes),
    unsure=st.dictionaries(indexes, st.builds(Unsure, names, moments)),
    down_since_ms=st.dictionaries(names, moments),
)


@given(memories)
def test_a_memory_comes_back_as_it_was(memory: Memory) -> None:
    assert read_memory(write_memory(memory)) == memory


def test_nothing_is_remembered_in_the_beginning() -> None:
    assert read_memory("") == Memory()
    assert msgspec.json.decode(write_memory(Memory())) == {}


def test_two_memories_share_nothing() -> None:
    one, other = Memory(), Memory()
    one.refuse("f1", 0)
    one.refuse_message("f2")
    one.ask_patience("f1", 0, 5)
    assert other == Memory()


def test_a_refusal_is_of_one_recipient_by_one_server() -> None:
    memory = Memory()
    memory.refuse("f1", 1)
    memory.refuse("f1", 1)
    assert memory.refused == {"f1": [1]}
    found = {
        (server, index) for server in ("f1", "f2") for index in (0, 1) if memory.is_refused(server, index)
    }
    assert found == {("f1", 1)}


def test_a_refused_message_is_refused_for_everybody_there() -> None:
    memory = Memory()
    memory.refuse_message("f1")
    memory.refuse_message("f1")
    assert memory.message_refused == ["f1"]
    assert memory.is_refused("f1", 17)
    assert not memory.is_refused("f2", 17)


def test_the_later_of_two_waits_holds() -> None:
    memory = Memory(not_before_ms={"f1": 10})
    memory.ask_patience("f1", 1, 20)
    memory.ask_patience("f1", 2, 5)
    assert [memory.patience_ms("f1", index) for index in (0, 1, 2)] == [10, 20, 10]
    assert memory.patience_ms("f2", 1) == 0
