"""Files of options: our export, and what OpCon's pages and tables look like when they are written down."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settings_store.catalog import ALL_OPTIONS, OPTIONS
from settings_store.cipher import Cipher
from settings_store.errors import UnreadableOptions
from settings_store.keyring import Keyring
from settings_store.kinds import Value
from settings_store.snapshot import Snapshot
from settings_store.transfer.export import exported
from settings_store.transfer.file import FILE_MAXIMUM_BYTES, read_options
from settings_store.transfer.reading import Reading
from tests.rigs.option_values import another_value

CIPHER = Cipher(Keyring("k", {"k": b"\x07" * 32}), "notify")
PLANTED = "Pl4nted-Geheimnis"
PORT = "SMTP Server Port (Primary Email)"
HOST = "SMTP Server Name (Primary Email)"
with Path(__file__).with_name("smtp_page.tsv").open(encoding="utf-8", newline="") as page:
    PAGE = list(csv.DictReader(page, delimiter="\t"))


def read(content: str, stored: dict[str, Value] | None = None) -> Reading:
    return read_options(content.encode(), Snapshot(1, stored or {}))


def notes(reading: Reading) -> list[tuple[str, str]]:
    return [(note.name, note.topic) for note in reading.notes]


def table(rows: list[tuple[str, object]], delimiter: str, head: tuple[str, str] | None) -> str:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter)
    writer.writerows([*([head] if head else []), *rows])
    return file.getvalue()


WANTED: dict[str, Value] = {
    row["name"]: another_value(OPTIONS[row["key"]]) for row in PAGE if row["secret"] == "no"
}


@pytest.mark.parametrize(
    "content",
    [
        table(list(WANTED.items()), ",", None),
        table(list(WANTED.items()), ",", ("Option Parameter", "Value")),
        table(list(WANTED.items()), ";", ("KEY", "Current Value")),
        table(list(WANTED.items()), "\t", ("CONFIG_KEY", "CONFIG_VALUE")),
        json.dumps(WANTED),
        json.dumps([{"name": name, "value": value} for name, value in WANTED.items()]),
        json.dumps({name: str(value) for name, value in WANTED.items()}),
    ],
    ids=["csv", "csv with header", "semicolons", "tsv of the table", "json", "json list", "json of strings"],
)
def test_every_name_of_the_page_is_known_in_every_form(content: str) -> None:
    reading = read(content)
    assert reading.source == "pairs"
    assert reading.notes == []
    parsed = {key: OPTIONS[key].parse(value) for key, value in reading.values.items()}
    assert parsed == {row["key"]: WANTED[row["name"]] for row in PAGE if row["secret"] == "no"}
    assert len(parsed) == 43 - 9


@pytest.mark.parametrize(
    "name, key",
    [
        ("smtp server port (primary email)", "primary_email.server_port"),
        ("SMTP  Server Port Number (Primary Email) ", "primary_email.server_port"),
        ("SMTP Server Port (Secondary SMS)", "secondary_sms.server_port"),
        ("SMTP Authentication - Enable SSL (Primary SMS)", "primary_sms.enable_ssl"),
        ("SMTP Authentication -Enable SSL(Primary SMS)", "primary_sms.enable_ssl"),
        ("Notification email address (Secondary Email)", "secondary_email.notification_address"),
        ("SMTP Application (client) ID (Primary Email)", "primary_email.application_id"),
        ("SMTPAPPID1", "primary_email.application_id"),
        ("SMTPTENANTID4", "secondary_sms.tenant_id"),
        ("SMTPSERVER", "primary_email.server_name"),
        ("SMTPSERVER3", "primary_sms.server_name"),
        ("primary_email.server_port", "primary_email.server_port"),
        ("Include Labels in Notifications", "text.labels"),
        ("Include Machine Name in Notifications", "text.machine_name"),
        ("Notification Delimiter", "text.delimiter"),
        ("Days to Keep Notification History", "text.history_days"),
    ],
)
def test_other_ways_to_write_a_name_are_known(name: str, key: str) -> None:
    assert list(read(json.dumps({name: "1"})).values) == [key]


def test_what_has_no_option_of_ours_is_listed_and_the_rest_is_taken() -> None:
    reading = read(table([("Trace Level", "None"), (PORT, 587), ("Stack SPO Events", "TRUE")], ",", None))
    assert notes(reading) == [("Trace Level", "unknown"), ("Stack SPO Events", "unknown")]
    assert reading.values == {"primary_email.server_port": "587"}
    assert not reading.means_nothing
    assert read("a,b\nc,d").means_nothing


@pytest.mark.parametrize(
    "name, value, told",
    [
        (
            PORT,
            "0",
            "is outside of what is allowed here, integer 1\N{EN DASH}65535; older pages allowed 0 to 9999",
        ),
        (PORT, "70000", "is outside of what is allowed here"),
        (
            "JORS Attachment Timeout",
            "30",
            "integer 60\N{EN DASH}3600 (seconds); older pages checked no numbers",
        ),
        ("SMTP Maximum Number of Attachments (Primary Email)", "-1", "integer 0\N{EN DASH}999"),
        ("Days to Keep Notification History", "0", "integer 1\N{EN DASH}365 (days)"),
    ],
)
def test_a_number_that_older_pages_allowed_is_told_and_never_bent(name: str, value: str, told: str) -> None:
    for content in (json.dumps({name: value}), json.dumps({name: int(value)})):
        reading = read(content)
        assert reading.values == {}
        (note,) = reading.notes
        assert note.topic == "range"
        assert told in note.text
        assert note.text.endswith("it is left as it is")


@pytest.mark.parametrize("value", ["many", 2.5, True, "2.5"])
def test_what_no_page_ever_allowed_is_left_to_the_change_to_refuse(value: object) -> None:
    reading = read(json.dumps({PORT: value}))
    assert reading.values == {"primary_email.server_port": value}
    assert reading.notes == []


@pytest.mark.parametrize("server", ["Primary SMS", "Secondary SMS"])
def test_the_old_default_of_the_sms_ports_is_taken_and_told(server: str) -> None:
    name = f"SMTP Server Port Number ({server})"
    reading = read(json.dumps({name: 20}))
    assert list(reading.values.values()) == [20]
    assert [note.topic for note in reading.notes] == ["check"]
    assert "the default before OpCon 26" in reading.notes[0].text
    assert read(json.dumps({PORT: 20})).notes == []


@pytest.mark.parametrize("blank", ["", "  ", "<blank>", "<Blank\\>", "<None\\>", None])
def test_blank_clears_a_text_and_leaves_a_number_as_it_is(blank: str | None) -> None:
    reading = read(
        json.dumps({HOST: blank, PORT: blank, "Notification Delimiter": blank, "text.labels": blank})
    )
    assert reading.values == {"primary_email.server_name": "", "text.delimiter": "|"}
    assert notes(reading) == [("primary_email.server_port", "blank"), ("text.labels", "blank")]


SECRETS = [row for row in PAGE if row["secret"] == "yes"]


@pytest.mark.parametrize("row", SECRETS, ids=lambda row: row["key"])
def test_a_secret_that_opcon_encrypted_is_told_by_name_and_kept_nowhere(row: dict[str, str]) -> None:
    content = json.dumps({row["name"]: PLANTED})
    reading = read(content)
    assert reading.values == {}
    assert notes(reading) == [(row["key"], "secret")]
    assert f"`notify options set {row['key']}=" in reading.notes[0].text
    assert ("`notify encrypt`" in reading.notes[0].text) == ("client_secret" not in row["key"])
    assert PLANTED not in repr(reading)
    here = read(content, {row["key"]: CIPHER.seal(row["key"], "x")})
    assert here.notes[0].text.endswith("what is set here stays")


def test_a_blank_secret_leaves_what_was_entered_here() -> None:
    reading = read(json.dumps({row["name"]: "" for row in SECRETS}))
    assert (reading.values, reading.notes) == ({}, [])


def test_what_notify_encrypt_printed_may_stand_in_any_file() -> None:
    sealed = CIPHER.seal_for_pasting("pw")
    key = "primary_email.authentication_password"
    assert read(
        table([("SMTP Authentication Encrypted Password (Primary Email)", sealed)], "\t", None)
    ).values == {key: sealed}
    document = exported(Snapshot())
    document["values"][key] = sealed
    document["secrets_set"] = [key]
    reading = read(json.dumps(document))
    assert reading.values[key] == sealed
    assert reading.notes == []


def test_y_and_n_are_true_and_false() -> None:
    name = "SMTP Authentication -Enable SSL ({})"
    reading = read(json.dumps({name.format("Primary Email"): "Y", name.format("Primary SMS"): "n"}))
    assert reading.values == {"primary_email.enable_ssl": True, "primary_sms.enable_ssl": False}


def test_an_export_has_every_option_but_no_secret_and_is_the_same_each_time() -> None:
    key = "primary_email.client_secret"
    sealed = CIPHER.seal(key, PLANTED)
    stored: dict[str, Value] = {key: sealed, "mirror.email": True, "secondary_email.server_port": 2525}
    document = exported(Snapshot(7, stored, CIPHER))
    assert (document["format"], document["version"], document["revision"]) == ("notify-options", 1, 7)
    assert list(document["values"]) == [key for key, option in ALL_OPTIONS.items() if not option.secret]
    assert document["values"]["secondary_email.server_port"] == 2525, "its own, not the mirrored one"
    assert document["secrets_set"] == [key], "a mirrored secret is its primary's"
    assert exported(Snapshot(7, dict(reversed(stored.items())), CIPHER)) == document
    assert sealed not in json.dumps(document)
    assert PLANTED not in json.dumps(document)


def test_an_export_tells_which_secrets_are_missing_here() -> None:
    key, other = "primary_email.client_secret", "primary_sms.client_secret"
    document = exported(Snapshot(7, {name: CIPHER.seal(name, "x") for name in (key, other)}, CIPHER))
    reading = read(json.dumps(document), {other: CIPHER.seal(other, "y")})
    assert notes(reading) == [(key, "secret")]
    assert reading.notes[0].text == (
        f"was set there and is not here; enter it anew: `notify options set {key}=- --reason TEXT`"
    )


def test_an_export_of_another_version_loses_nothing_in_silence() -> None:
    document = exported(Snapshot())
    document["values"]["later.option"] = 1
    assert notes(read(json.dumps(document))) == [("later.option", "unknown")]
    with pytest.raises(UnreadableOptions, match="another version of this program; allowed: version 1"):
        read(json.dumps({**document, "version": 2}))


@pytest.mark.parametrize(
    "content, fault",
    [
        (b"", "it is empty"),
        (b" \n ", "it is empty"),
        (b"\xff\x00\x81", "no text in UTF-8 or UTF-16"),
        (b"\xff\xfe\x00\xd8", "no text in UTF-8 or UTF-16"),
        (b"x" * (FILE_MAXIMUM_BYTES + 1), "it is too large"),
        (b'{"a": }', "the JSON in it is broken at line 1, column 7"),
        (b'{"a": 1, "a": 2}', "'a' is in it twice"),
        (b"[1]", "entry 1 has no name or no value"),
        (b'[{"name": "a"}]', "entry 1 has no name or no value"),
        (b'{"a": {"b": 1}}', "the value of 'a' is a structure of its own"),
        (b"[" * 100_000, "the JSON in it is nested too deeply"),
        (b'{"a": ' + b"1" * 5000 + b"}", "a number with thousands of digits"),
        (b"a,b,c", "line 1 has 3 columns and no header says which are name and value"),
        (b"a,b\n\nc", "line 3 has 1 columns"),
        (b'a,"b', "line 1 is no CSV: a quotation mark stays open"),
        (b"Value,Other,Key\n,,\n1,2\n", "line 3 has a value and no name"),
        (b"Key,Value\n,1\n", "line 2 has a value and no name"),
        (f"{PORT},25\nprimary_email.server_port,26".encode(), "both mean primary_email.server_port"),
        (b'{"format": "notify-options", "version": 1}', "it is no whole export"),
        (b'{"format": "notify-options", "version": 1, "values": [], "secrets_set": []}', "no whole export"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_what_cannot_be_read_is_refused_with_the_place(content: bytes, fault: str) -> None:
    with pytest.raises(UnreadableOptions) as caught:
        read_options(content, Snapshot())
    assert fault in str(caught.value)
    assert "allowed: " in str(caught.value)


def test_lines_without_name_and_value_are_passed_over() -> None:
    reading = read(f"Note,Key,Value\nTab SMTP,,\n,{PORT},587\n,,\n,{HOST}\n")
    assert reading.values == {"primary_email.server_port": "587", "primary_email.server_name": ""}
    assert reading.notes == []


def test_a_byte_order_mark_and_utf_16_are_read() -> None:
    for encoding in ("utf-8-sig", "utf-16"):
        reading = read_options(f"{HOST};mäil\r\n".encode(encoding), Snapshot())
        assert reading.values == {"primary_email.server_name": "mäil"}


_CELLS = st.sampled_from(
    ["{", "[", '"', ",", ";", "\t", "\n", "Key", "Value", PORT, "25", "enc:v1:k:AAAA", "\0"]
)


@given(st.binary(max_size=200) | st.lists(_CELLS, max_size=30).map(lambda cells: "".join(cells).encode()))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    try:
        reading = read_options(content, Snapshot())
    except UnreadableOptions:
        return
    assert set(reading.values) <= set(ALL_OPTIONS)
