"""How a process of ours writes down what it does: an event name and fields, to standard error and to a file.

    _log = EventLog(__name__)
    _log.warning("server_opened", server="primary_email", reason="the server refuses connections")

What the options `logging.*` say of level, form and files holds in a running process within a second.
Nothing that happens to a log file, a full disk included, stops or delays a delivery; standard error is
written to at once, so whoever starts a process has to go on reading it.
No line holds an address, a secret or a text: fields are chosen so, of other people's loggers only those speak
whose words are known to be so, and of an exception the type and the place are written, never its words.
"""

from settings_store.logs.event_log import EventLog, bound

__all__ = ["EventLog", "bound"]
