"""Any text in a variable of ours: a process starts, or ends with one line that names the variable."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settings_store.environment import Environment, InvalidEnvironment, load
from settings_store.errors import KeyringUnusable
from settings_store.keyring import load as load_keys
from tests.rigs.command_line import CommandLine
from tests.rigs.examples import examples
from tests.rigs.odd_values import json_values, typed_words
from workers.metrics_address import metrics_address

NAMES = (
    "NOTIFY_REDIS_URL", "NOTIFY_BROKER_URL", "NOTIFY_REDIS_URL_FILE", "NOTIFY_BROKER_URL_FILE",
    "NOTIFY_REDIS_CA_FILE", "NOTIFY_KEY_FILE", "NOTIFY_PREFIX", "NOTIFY_FLOWER_URL", "NOTIFY_HOME",
    "NOTIFY_METRICS_PORT",
)  # fmt: skip
SECRET = "Zq7Secret"
URLS = st.sampled_from(
    [
        "redis://", "redis://[", "redis://:99999999", "redis://h:port/0", f"redis://:{SECRET}@h:x/0", "redis://h/x",
        f"rediss://:{SECRET}@[/0?ssl_cert_reqs=none", "unix://", "unix:///nonexistent.sock", "amqp://", "http://h",
        f"redis://u:{SECRET}#@h/0", "redis://h:6379/0?socket_timeout=x", "redis://h:-1", "sentinel://", "redis://\udcff",
        "redis://h/99999999999999999999", "redis://127.0.0.1:1/0",
    ]
)  # fmt: skip
environs = st.dictionaries(st.sampled_from(NAMES), typed_words | URLS, max_size=4)


@examples(200)
@given(given_environ=environs)
def test_an_environment_is_read_or_the_variable_is_named(given_environ: dict[str, str]) -> None:
    refused = judged({"NOTIFY_HOME": "/nonexistent", **given_environ})
    if isinstance(refused, str):
        assert any(refused.startswith(name) for name in NAMES), refused
        assert SECRET not in refused


def judged(environ: Mapping[str, str]) -> Environment | str:
    try:
        metrics_address(environ)
        return load(environ)
    except InvalidEnvironment as refusal:
        return str(refusal)


@examples(25)
@given(name=st.sampled_from(NAMES[:8]), value=typed_words | URLS)
def test_a_command_with_any_of_it_ends_in_one_error_line(notify: CommandLine, name: str, value: str) -> None:
    line = {name: value} if name != "NOTIFY_REDIS_URL_FILE" else {name: value, "NOTIFY_REDIS_URL": ""}
    for words in (["options", "get", "audit.days"], ["message", "list"], ["doctor"]):
        done = notify(*words, env=line)
        assert done.code in range(5), done
        assert "Traceback" not in done.err
        assert SECRET not in done.err + done.out
        if words != ["doctor"] and done.code:
            assert done.error


@examples(80)
@given(
    content=st.binary(max_size=50)
    | json_values.map(repr).map(str.encode)
    | st.fixed_dictionaries(
        {},
        optional={
            "primary": json_values,
            "keys": json_values | st.dictionaries(typed_words, json_values),
            "next": json_values,
        },
    ).map(lambda document: json.dumps(document).encode())
)
def test_a_key_file_of_anything_is_refused_by_its_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(KeyringUnusable, match=r"keys\.json"):
        load_keys([path])


def test_a_key_file_that_is_nested_without_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(b"[" * 200_000)
    path.chmod(0o600)
    with pytest.raises(KeyringUnusable, match=r"keys\.json"):
        load_keys([path])
