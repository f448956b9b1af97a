"""What differs between two versions of a definition."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

#: A part that is only in one of two versions stands against this.
NOTHING: Final = object()


@dataclass(frozen=True, slots=True)
class Change:
    """The smallest part that differs.

    Attributes:
        path: as in `steps.clean.map`.
        old: the value before, as JSON; `NOTHING` where there was none.
        new: the value after.
    """

    path: str
    old: Any = NOTHING
    new: Any = NOTHING


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed from one version of a pipeline to another.

    Attributes:
        pipeline: the pipeline's id.
        old: the number of the earlier version.
        new: the number of the later version.
        changes: part by part.
        text: the difference of both texts in unified form; empty when they are the same.
    """

    pipeline: str
    old: int
    new: int
    changes: tuple[Change, ...]
    text: str


def changes(old: object, new: object, path: str = "") -> Iterator[Change]:
    """The smallest parts that differ between two values made of objects and lists.

    Sources, steps and sinks are told apart by their names, so that one that moved has not changed
    in itself; that their order changed is told as a change of the list's order.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            place = f"{path}.{key}" if path else str(key)
            yield from changes(old.get(key, NOTHING), new.get(key, NOTHING), place)
    elif _is_named(old) and _is_named(new):
        before, after = _by_name(old), _by_name(new)
        yield from changes(before, after, path)
        kept = [
            [name for name in each if name in before.keys() & after.keys()]
            for each in (before, after)
        ]
        if kept[0] != kept[1]:
            yield Change(f"{path} (order)", kept[0], kept[1])
    elif old != new:
        yield Change(path, old, new)


def _is_named(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) and "name" in one for one in value)


def _by_name(value: Any) -> dict[str, Any]:  # noqa: ANN401 a list of parts, as JSON
    return {one["name"]: {key: one[key] for key in one if key != "name"} for one in value}
