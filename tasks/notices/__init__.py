"""Notices: what the notifier tells its own operator, once for each incident, however many workers see it.

Every few seconds one worker compares how things stand with what was announced last. Who changes what was
announced, in one atomic step, also writes the *incident* into the outbox; it leaves the outbox when it was
accepted as a notification and posted. So a worker may die at any point, and each incident is told once.

    standing of the servers ──┐
                              ├─> incident ─> outbox ─> notification (e-mail, text), webhook
    the undelivered, grouped ─┘

A notice that is not delivered makes no other notice.
"""

from tasks.notices.incident import Event, Incident
from tasks.notices.notices import Notices

__all__ = ["Event", "Incident", "Notices"]
