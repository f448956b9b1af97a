"""Who may touch what is stored where."""

from __future__ import annotations

from etlplus.domain.errors import PermissionDenied
from etlplus.domain.principal import Principal


def enter(caller: Principal, workspace: str) -> str:
    """`workspace`, when the caller acts in it.

    Raises:
        PermissionDenied: it does not; nothing is said about what exists there.
    """
    if workspace != caller.workspace:
        raise PermissionDenied(
            f"{caller.id!r} has no rights in the workspace {workspace!r}",
            metadata={"principal": caller.id, "workspace": workspace},
        )
    return workspace
