"""Whatever lies in a worker's queues: the worker lives, and a good notification behind it is delivered."""

from __future__ import annotations

import base64
import itertools
import json
import pickle
import uuid
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.broker import QUEUE_OF_LANE
from tests.rigs.examples import examples
from tests.rigs.installation import ADDRESS, Site
from tests.rigs.notifications import email
from tests.rigs.odd_values import json_values, odd_texts
from tests.rigs.processes import wait_until

TASKS = (
    "notify.submit",
    "notify.deliver",
    "notify.deliver_many",
    "notify.test_server",
    "notify.test_attachment",
    "other.task",
)
SECRET = "Zq7Secret"


def message(task: str, args: Any, kwargs: Any, **changes: Any) -> dict[str, Any]:
    """A task's message as Celery puts it into Redis (protocol 2), with parts changed; None leaves one out."""
    task_id = str(uuid.uuid4())
    body = json.dumps([args, kwargs, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}])
    whole = {
        "body": base64.b64encode(body.encode()).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {
            "lang": "py", "task": task, "id": task_id, "shadow": None, "eta": None, "expires": None,
            "group": None, "group_index": None, "retries": 0, "timelimit": [None, None], "root_id": task_id,
            "parent_id": None, "argsrepr": repr(args), "kwargsrepr": repr(kwargs), "origin": "gen1@test",
            "ignore_result": False, "replaced_task_nesting": 0, "stamped_headers": None, "stamps": {},
        },
        "properties": {
            "correlation_id": task_id, "reply_to": str(uuid.uuid4()), "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": "notify.normal"}, "priority": 0,
            "body_encoding": "base64", "delivery_tag": str(uuid.uuid4()),
        },
    }  # fmt: skip
    return {**whole, **changes}


def put(whole: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    copy = dict(whole)
    copy[path[0]] = value if len(path) == 1 else put(copy[path[0]], path[1:], value)
    return copy


def without(whole: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    copy = dict(whole)
    if len(path) == 1:
        del copy[path[0]]
    else:
        copy[path[0]] = without(copy[path[0]], path[1:])
    return copy


SAMPLE = message("notify.submit", [], {})
PARTS = [
    (outer, inner)
    for outer in ("headers", "properties")
    for inner in SAMPLE[outer]
    # Whose tag is another's: kombu keeps it under that; `retries` is what the next test is about.
] + [(outer,) for outer in SAMPLE]


@st.composite
def calls(draw: st.DrawFn) -> dict[str, Any]:
    """A message in order, of what may be asked for with any arguments."""
    task = draw(st.sampled_from(TASKS))
    odd_document = {**email(message=SECRET), draw(odd_texts): draw(json_values)}
    kwargs: Any = draw(
        st.sampled_from(
            [{"notification": odd_document}, {"notification": [odd_document]}, {"notification": SECRET}, {}]
        )
        | st.dictionaries(odd_texts, json_values, max_size=3)
        | json_values
    )
    args: Any = draw(st.sampled_from([[], [[]], ["x" * 5_000], [None], [{}], [odd_document]]) | json_values)
    return message(task, args, kwargs)


@st.composite
def broken(draw: st.DrawFn) -> dict[str, Any]:
    """A message with parts of it gone or replaced."""
    whole = draw(calls())
    for _ in range(draw(st.integers(1, 2))):
        path = draw(st.sampled_from(PARTS))
        try:
            if draw(st.booleans()):
                whole = put(whole, path, draw(json_values | odd_texts))
            else:
                whole = without(whole, path)
        except (KeyError, TypeError, ValueError):  # it lies in what was replaced before
            continue
    return whole


@st.composite
def bodies(draw: st.DrawFn) -> dict[str, Any]:
    """Bodies of other kinds, and bodies that break off."""
    good = json.dumps([[], {"notification": dict(email(message=SECRET))}, {}]).encode()
    packed: bytes = draw(
        st.sampled_from(
            [pickle.dumps([[], {}, {}]), zlib.compress(good), good[:-5], b"", b"\xff\xfe", b"--- !!x"]
        )
        | st.binary(max_size=50)
    )
    kind = st.sampled_from(
        ["application/json", "application/x-python-serialize", "application/x-yaml", "application/x-msgpack",
         "application/data", "text/plain", "", "no such kind", None]
    )  # fmt: skip
    return message(
        draw(st.sampled_from(TASKS)),
        [],
        {},
        body=base64.b64encode(packed).decode() if draw(st.booleans()) else packed.decode("latin-1"),
        **{
            "content-type": draw(kind),
            "content-encoding": draw(st.sampled_from(["utf-8", "binary", "gzip", "nothing", None])),
        },
    )


def wire(whole: Any) -> bytes:
    """As it lies in Redis."""
    return json.dumps(whole).encode("utf-8", "surrogatepass")


raw: st.SearchStrategy[bytes] = (
    st.binary(max_size=60)
    | json_values.map(wire)
    | st.sampled_from([b"[" * 100_000, b"{}", b"null", b'{"body": "', b"x" * 1_000_000])
)
batches = st.lists(
    st.one_of(calls().map(wire), broken().map(wire), bodies().map(wire), raw), min_size=4, max_size=12
)


#: What each part of a message is replaced by, one at a time.
IN_PLACE: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**64,
    0.5,
    "",
    "x",
    f"for {ADDRESS}",
    "\ud800",
    "2026-13-01",
    [],
    [[]],
    {"a": 1},
)


@pytest.mark.timeout(3_600)
def test_no_message_ends_a_worker_holds_up_what_is_behind_it_or_stays(site: Site) -> None:
    queues = itertools.cycle(QUEUE_OF_LANE.values())

    def deliver_behind(*batch: bytes) -> None:
        queue = next(queues)
        site.runtime.redis.lpush(queue, *batch)
        priority = queue.removeprefix("notify.").replace("files", "normal")
        good = site.publish(priority=priority)
        site.wait_state(good.id, "delivered", seconds=60)
        assert worker.process.poll() is None, worker.log()

    try_batch = examples(12)(given(batch=batches)(lambda batch: deliver_behind(*batch)))
    with site.worker() as worker:
        for path in PARTS:
            deliver_behind(
                *(wire(put(message("notify.deliver", ["n"], {}), path, value)) for value in IN_PLACE)
            )
        try_batch()
        # One whose time has not come is held; no part that is replaced above makes one.
        wait_until(
            lambda: not site.runtime.redis.hlen("notify.unacked"), seconds=60, what="nothing being held"
        )
    log = worker.log()
    assert SECRET not in log
    assert ADDRESS not in log
    assert "Traceback" not in log
