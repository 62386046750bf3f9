"""Where DFS has a path that the asked server has not ([MS-DFSC] 3.1.5)."""

from __future__ import annotations

from typing import Any

from smbprotocol.connection import Capabilities, Connection
from smbprotocol.dfs import DFSReferralEntryFlags, DFSReferralRequest, DFSReferralResponse
from smbprotocol.ioctl import CtlCode, IOCTLFlags, SMB2IOCTLRequest, SMB2IOCTLResponse

from tasks.attachments.unc.share_path import InvalidSharePath, SharePath, made_of
from tasks.attachments.unc.status import BAD_NETWORK_NAME, NOT_HERE

#: [MS-SMB2] 2.2.31: the file id of a question that is about no file.
_NO_FILE = b"\xff" * 16
_ANSWER_MAXIMUM_BYTES = 56 * 1024


def may_be_referred(status: int, connection: Connection) -> bool:
    """Whether a server that answered so may know another place."""
    speaks_dfs = connection.server_capabilities.has_flag(Capabilities.SMB2_GLOBAL_CAP_DFS)
    return bool(speaks_dfs) and (status == BAD_NETWORK_NAME or status in NOT_HERE)


def targets_of(ipc_tree: Any, path: SharePath) -> tuple[SharePath, ...]:
    """Where a path is to be looked for instead, best first; nothing has been asked of these places.

    Raises:
        smbprotocol.exceptions.SMBException: The server refers nowhere.
    """
    asked = [path.host, path.share, *path.folders, path.name]
    found: list[SharePath] = []
    for entry in _referral(ipc_tree, "\\" + "\\".join(asked))["referral_entries"].get_value():
        if entry["referral_entry_flags"].has_flag(DFSReferralEntryFlags.NAME_LIST_REFERRAL):
            continue
        covered = _parts(getattr(entry, "dfs_path", None))
        target = _parts(entry.network_address)
        if not covered or [part.lower() for part in covered] != [
            part.lower() for part in asked[: len(covered)]
        ]:
            continue
        try:
            other = made_of([*target, *asked[len(covered) :]])
        except (InvalidSharePath, ValueError):
            continue
        if str(other).lower() != str(path).lower():
            found.append(other)
    return tuple(dict.fromkeys(found))


def _parts(text: str | None) -> list[str]:
    return [part for part in (text or "").split("\\") if part]


def _referral(ipc_tree: Any, path: str) -> DFSReferralResponse:
    question = DFSReferralRequest()
    question["request_file_name"] = path
    control = SMB2IOCTLRequest()
    control["ctl_code"] = CtlCode.FSCTL_DFS_GET_REFERRALS
    control["file_id"] = _NO_FILE
    control["max_output_response"] = _ANSWER_MAXIMUM_BYTES
    control["flags"] = IOCTLFlags.SMB2_0_IOCTL_IS_FSCTL
    control["buffer"] = question
    connection, session = ipc_tree.session.connection, ipc_tree.session
    request = connection.send(control, sid=session.session_id, tid=ipc_tree.tree_connect_id)
    wrapped = SMB2IOCTLResponse()
    wrapped.unpack(connection.receive(request)["data"].get_value())
    answer = DFSReferralResponse()
    answer.unpack(wrapped["buffer"].get_value())
    return answer
