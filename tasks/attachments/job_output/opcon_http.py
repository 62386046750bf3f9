"""One request to the scheduler's API, and what its failure means."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import msgspec
import requests
import urllib3

from tasks.attachments.job_output.opcon_settings import OpConSettings
from tasks.attachments.job_output.provider import SchedulerFault
from tasks.attachments.source import Fault
from tasks.certificate_check import http_session
from tasks.line_breaks import one_line

#: An answer begins by then, so that a scheduler that hangs keeps a worker's slot no longer either.
REQUEST_MAX_SECONDS: Final = 15.0
#: And is whole by then, within the time of the look: 50 MiB may take a while.
ANSWER_MAX_SECONDS: Final = 60.0
#: A request that is made at all is given this long.
REQUEST_MIN_SECONDS: Final = 1.0
#: Agents give at most 50 MiB of an output; this leaves room for its being JSON.
ANSWER_MAX_BYTES: Final = 64 * 1024 * 1024
_PIECE_BYTES: Final = 256 * 1024
_MESSAGE_MAX_CHARACTERS: Final = 200


class ApiRefusal(Exception):
    """The scheduler answered, and not with 2xx.

    Attributes:
        status: The HTTP status.
        words: What it says of it; may be blank.
    """

    def __init__(self, status: int, words: str) -> None:
        super().__init__(f"HTTP status {status}")
        self.status = status
        self.words = words


class _Told(msgspec.Struct):
    """One entry of the body of a refusal."""

    message: str = ""


class Http:
    """A connection for one look.

    Args:
        settings: Where to.
        seconds: How long all requests together may take.
        clock: Seconds that only grow.
    """

    def __init__(
        self, settings: OpConSettings, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._ends = clock() + seconds
        self._session = http_session() if settings.verify else requests.Session()
        # Neither a .netrc nor a proxy of the environment may see or replace the token.
        self._session.trust_env = False
        if settings.verify is False:
            # Saving the option warns of it; a line in the log for each request tells nobody more.
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def ask(self, method: str, path: str, *, token: str = "", body: object = None) -> bytes:
        """The body of the answer.

        Raises:
            ApiRefusal: The answer is not 2xx.
            SchedulerFault: There is no answer, or none that can be used.
        """
        began = self._clock()
        seconds = max(min(REQUEST_MAX_SECONDS, self._ends - began), REQUEST_MIN_SECONDS)
        headers = {"Accept": "application/json"}
        if token:
            headers["Authorization"] = f"Token {token}"
        fault: SchedulerFault
        try:
            with self._session.request(
                method,
                f"{self._settings.address}{path}",
                headers=headers,
                json=body,
                timeout=seconds,
                verify=self._settings.verify,
                allow_redirects=False,
                stream=True,
            ) as answer:
                longest = max(min(ANSWER_MAX_SECONDS, self._ends - began), seconds)
                content = self._read(answer, began + longest)
                if answer.ok and not answer.is_redirect:
                    return content
                raise ApiRefusal(answer.status_code, _told(content))
        except requests.exceptions.SSLError:
            words = "the scheduler's certificate cannot be trusted (option jors.ca_bundle)"
            fault = SchedulerFault(Fault.BROKEN, words)
        except (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError):
            fault = SchedulerFault(Fault.LATE, "the scheduler does not answer in time", is_passing=True)
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidHeader):
            words = (
                "the scheduler's address or token cannot be used (options jors.api_address, jors.api_token)"
            )
            fault = SchedulerFault(Fault.BROKEN, words)
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError):
            words = "the scheduler cannot be reached"
            fault = SchedulerFault(Fault.UNREACHABLE, words, is_passing=True)
        except OSError:
            fault = SchedulerFault(Fault.BROKEN, "the file in the option jors.ca_bundle cannot be read")
        raise fault from None

    def _read(self, answer: requests.Response, ends: float) -> bytes:
        pieces: list[bytes] = []
        size_bytes = 0
        # What is there is taken as it comes: a read of a fixed size would wait for a slow answer to fill it.
        while piece := answer.raw.read1(_PIECE_BYTES, decode_content=True):
            pieces.append(piece)
            size_bytes += len(piece)
            if size_bytes > ANSWER_MAX_BYTES:
                raise ApiRefusal(requests.codes.request_entity_too_large, "")
            if self._clock() > ends:
                raise requests.exceptions.ReadTimeout
        return b"".join(pieces)


def decoded(content: bytes, kind: Any) -> Any:
    """The answer as the API describes it.

    Raises:
        SchedulerFault: It is something else.
    """
    fault: SchedulerFault
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.MsgspecError, ValueError):
        # The error's own words may quote output.
        fault = SchedulerFault(
            Fault.BROKEN, "the scheduler's answer is not that of its REST API (option jors.api_address)"
        )
    raise fault from None


def _told(content: bytes) -> str:
    """What the body of a refusal says, in one line."""
    try:
        entries = msgspec.json.decode(content, type=list[_Told] | _Told)
    except (msgspec.MsgspecError, ValueError):
        return ""
    listed = entries if isinstance(entries, list) else [entries]
    return short("; ".join(entry.message for entry in listed if entry.message))


def short(message: str) -> str:
    """A message of the scheduler, for a line of a mail."""
    return one_line(message)[:_MESSAGE_MAX_CHARACTERS]
