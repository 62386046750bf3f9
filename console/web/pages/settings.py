"""The settings: every option as a field, a look at what a change does, and the change itself."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from console.serving.fault import Fault, Refusal, fault_of
from console.web.option_fields import Form, change_rows, groups_of, mirrored_rows, option_fields
from console.web.routes import PageRoutes
from console.web.typed_options import faults_of, revision_of, typed_in, without_plain_secrets
from console.web.visit import Visit
from settings_store.access import Privilege
from settings_store.catalog import ALL_OPTIONS, GROUPS
from settings_store.cautions import cautions
from settings_store.change import Change, after_change
from settings_store.comparison import compare
from settings_store.errors import InvalidOption, InvalidValue, SecretFault, StaleRevision, UnknownRevision
from settings_store.own_options import OWN_GROUPS
from settings_store.snapshot import MIRRORS, Snapshot
from settings_store.store import REASON_MAXIMUM_CHARACTERS
from tasks.pausing import with_pauses_left

pages = PageRoutes()

#: Primary and secondary side by side, with the name of the pair.
PAIRS = {"Email": ("primary_email", "secondary_email"), "SMS": ("primary_sms", "secondary_sms")}
#: Of the longest number of a revision that somebody may ask for.
_DIGITS = 12
_ACTIONS = {"change": "options.change", "import": "options.import"}


@pages.get("/settings", need=Privilege.VIEW_SERVER_OPTIONS)
def settings(visit: Visit) -> Response:
    """Every option as it holds."""
    return settings_page(visit, Form(), live=visit.query("saved"))


@pages.post("/settings/edit", need=Privilege.MAINTAIN_SERVER_OPTIONS, action="options.change")
def edit(visit: Visit) -> Response:
    """Back from the look at a change: the form with what was typed."""
    typed = typed_in(visit, made_from(visit))
    return settings_page(visit, Form(typed), revision=revision_of(visit))


@pages.post("/settings/review", need=Privilege.MAINTAIN_SERVER_OPTIONS, action="options.change")
def review(visit: Visit) -> Response:
    """What a change would do, before it is saved; or the form again with its faults."""
    typed = typed_in(visit, made_from(visit))
    revision = revision_of(visit)
    if not typed:
        visit.tell("Nothing was changed, so there is nothing to save.", "note")
        return visit.go("/settings")
    try:
        return review_page(visit, typed, revision)
    except InvalidOption as error:
        form = Form(typed, faults_of(error))
    except SecretFault as error:
        form = Form(typed, {"": str(error)})
    return settings_page(visit, form, revision=revision)


@pages.post("/settings/save", need=Privilege.MAINTAIN_SERVER_OPTIONS, action="options.change")
def save(visit: Visit) -> Response:
    """Save a change with its reason, unless somebody else saved meanwhile."""
    typed, revision = typed_in(visit, made_from(visit)), revision_of(visit)
    reason = visit.field("reason").strip()
    action = visit.field("action") or "change"
    if not reason:
        return review_page(visit, typed, revision, reason_fault="Say why: the history keeps it.")
    try:
        change = visit.store.change(
            typed,
            author=visit.name,
            reason=reason,
            expected_revision=revision,
            action=_ACTIONS.get(action, _ACTIONS["change"]),
        )
    except StaleRevision:
        return review_page(visit, typed, revision, reason=reason)
    except InvalidValue as error:
        if error.key != "reason":
            return settings_page(visit, Form(typed, faults_of(error)), revision=revision)
        return review_page(visit, typed, revision, reason=reason, reason_fault=f"It {error.fault}.")
    except InvalidOption as error:
        return settings_page(visit, Form(typed, faults_of(error)), revision=revision)
    return after_saving(visit, change)


@pages.get("/settings/live/{revision}", need=Privilege.VIEW_SERVER_OPTIONS)
def live(visit: Visit, revision: str) -> Response:
    """On how many workers a revision holds, for the script that keeps it up to date."""
    return visit.part("settings_live.html", **reached(visit, revision))


def after_saving(visit: Visit, change: Change) -> Response:
    """To the settings, which tell of the new revision and where it holds already."""
    if not change.saved:
        visit.tell(f"Nothing differs from what holds: revision {change.revision} stays.", "note")
        return visit.go("/settings")
    return visit.go(f"/settings?saved={change.revision}")


def reached(visit: Visit, revision: str) -> dict[str, Any]:
    """Which workers use a revision, or a later one, by what they last said."""
    number = int(revision) if revision.isascii() and revision.isdecimal() and len(revision) <= _DIGITS else 0
    alive = [each for each in visit.backend.fleet.alive() if each.life]
    behind = [each.name for each in alive if each.life and each.life.revision < number]
    return {"saved": number, "workers": len(alive), "behind": behind}


def settings_page(visit: Visit, form: Form, *, revision: int | None = None, live: str = "") -> Response:
    """The form.

    Args:
        visit: Who asks.
        form: What they typed, with its faults.
        revision: What the form was made from; None for what holds.
        live: A revision that was just saved.
    """
    store = visit.store
    snapshot = store.snapshot()
    # Where somebody saved meanwhile the rest of the form is what it was, so that nothing of theirs is undone.
    shown = snapshot if revision is None else _at(visit, revision, snapshot)
    form = Form(_sendable(visit, form.typed), form.faults)
    fields = option_fields(store, shown, form)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.faults else HTTPStatus.OK
    return visit.page(
        "settings.html",
        status=status,
        revision=shown.revision,
        newest=snapshot.revision,
        maintains=visit.may(Privilege.MAINTAIN_SERVER_OPTIONS),
        fields=fields,
        groups=groups_of(fields, GROUPS),
        titles=GROUPS,
        pairs=PAIRS,
        own_groups=[group for group in OWN_GROUPS if group != "mirror"],
        mirrors={group: flag for group, (flag, _) in MIRRORS.items()},
        cautions=cautions(snapshot),
        typed=form.typed,
        faults=form.faults,
        live=reached(visit, live) if live else None,
    )


def review_page(
    visit: Visit,
    typed: Mapping[str, str],
    revision: int,
    *,
    reason: str = "",
    reason_fault: str = "",
    action: str = "",
    notes: tuple[str, ...] = (),
) -> Response:
    """What a change would do, with the reason to be given; where somebody saved meanwhile, what they did.

    Raises:
        InvalidOption: A value is not allowed.
        SecretFault: A secret cannot be sealed here.
    """
    store = visit.store
    change = store.change(typed, author=visit.name, dry_run=True)
    change = with_pauses_left(change, store, visit.backend.breaker)
    snapshot = store.snapshot()
    after = after_change(snapshot, change.changes)
    theirs: list[dict[str, Any]] = []
    if snapshot.revision != revision:
        theirs = change_rows(compare(_at(visit, revision, snapshot), snapshot).changes)
    status = HTTPStatus.OK
    if theirs:
        status = HTTPStatus.CONFLICT
    elif reason_fault:
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    return visit.page(
        "settings_review.html",
        status=status,
        revision=snapshot.revision,
        made_from=revision,
        rows=change_rows(change.changes),
        mirrored=mirrored_rows(snapshot, after),
        warnings=change.warnings,
        theirs=theirs,
        between=[row for row in store.history() if row.revision > revision] if theirs else [],
        both={row["key"] for row in theirs} & change.changes.keys(),
        values=without_plain_secrets(typed, store.cipher),
        secrets={key for key in typed if ALL_OPTIONS[key].secret},
        reason=reason,
        reason_fault=reason_fault,
        reason_maximum=REASON_MAXIMUM_CHARACTERS,
        action=action or visit.field("action") or "change",
        notes=notes,
    )


def _sendable(visit: Visit, typed: Mapping[str, str]) -> dict[str, str]:
    """What was typed; secrets that cannot be sealed for the way to the browser and back are typed again."""
    try:
        return without_plain_secrets(typed, visit.store.cipher)
    except (SecretFault, InvalidValue):
        return {key: text for key, text in typed.items() if not (ALL_OPTIONS[key].secret and text)}


def made_from(visit: Visit) -> Snapshot:
    """The options as the form that was sent showed them.

    Raises:
        Refusal: The history does not reach back to them.
    """
    return _at(visit, revision_of(visit), visit.options)


def _at(visit: Visit, revision: int, now: Snapshot) -> Snapshot:
    if revision == now.revision:
        return now
    try:
        return visit.store.at(revision)
    except UnknownRevision as error:
        fault = fault_of(error)
        detail = fault.detail if fault else ""
        raise Refusal(
            Fault(HTTPStatus.CONFLICT, "stale-revision", "This page is too old", detail, "open it anew")
        ) from None
