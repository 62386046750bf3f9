"""Options out to a file and in from one; secrets stay where they are."""

from __future__ import annotations

import json
from http import HTTPStatus

from starlette.responses import Response

from console.web.option_fields import as_typed
from console.web.pages.settings import review_page
from console.web.routes import PageRoutes
from console.web.typed_options import faults_of
from console.web.visit import Visit
from settings_store.access import Privilege
from settings_store.errors import InvalidOption, SecretFault, UnreadableOptions
from settings_store.transfer.export import exported
from settings_store.transfer.file import FILE_MAXIMUM_BYTES, read_options

pages = PageRoutes()


@pages.get("/settings/export", need=Privilege.VIEW_SERVER_OPTIONS, action="options.export")
def export(visit: Visit) -> Response:
    """Every option but the secrets, as `notify options export` prints it."""
    snapshot = visit.options
    return Response(
        json.dumps(exported(snapshot), indent=2, ensure_ascii=False) + "\n",
        media_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="notify-options-{snapshot.revision}.json"'},
    )


@pages.get("/settings/import", need=Privilege.MAINTAIN_SERVER_OPTIONS, action="options.import")
def choose(visit: Visit) -> Response:
    """The form for the file."""
    return visit.page("settings_import.html", faults=())


@pages.post("/settings/import", need=Privilege.MAINTAIN_SERVER_OPTIONS, action="options.import")
def read(visit: Visit) -> Response:
    """Look at what the file would change; nothing is saved yet."""
    chosen = visit.upload("file")
    if chosen is None:
        return _again(visit, "Choose a file first")
    snapshot = visit.options
    try:
        reading = read_options(chosen.file.read(FILE_MAXIMUM_BYTES + 1), snapshot)
    except UnreadableOptions as error:
        return _again(visit, str(error))
    if reading.means_nothing:
        return _again(visit, "The file names no option that is known here")
    notes = tuple(f"{note.name[:80]}: {note.text}" for note in reading.notes)
    wanted = {
        key: text
        for key, value in reading.values.items()
        if (text := str(value)) != as_typed(snapshot.own(key))
    }
    try:
        return review_page(visit, wanted, snapshot.revision, action="import", notes=notes)
    except InvalidOption as error:
        return _again(visit, *(f"{key}: {fault}" for key, fault in faults_of(error).items()))
    except SecretFault as error:
        return _again(visit, str(error))


def _again(visit: Visit, *faults: str) -> Response:
    return visit.page("settings_import.html", status=HTTPStatus.UNPROCESSABLE_ENTITY, faults=faults)
