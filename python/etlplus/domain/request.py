"""Requests that carry an id, so that a repeat gets the answer of the first."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RequestKey:
    """A caller's id of a request; it counts within a workspace and a method."""

    workspace: str
    method: str
    id: str


@dataclass(slots=True)
class Once:
    """A block that is to have its effect once.

    Attributes:
        answer: what an earlier run of the block answered; None in the first run, which sets it.
    """

    answer: bytes | None = None
