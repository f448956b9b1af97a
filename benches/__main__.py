"""Runs the works that are named, or all, and writes their sections of `benches/README.md`."""

from __future__ import annotations

import sys

from benches import (
    b1_csv_to_parquet,
    b2_csv_to_postgres,
    b3_dirty_csv,
    b4_join_aggregate,
    b7_small_job,
    b8_claims,
    big_join,
    flat,
    footprint,
    idle_watches,
    report,
)

WORKS = {
    "b1": b1_csv_to_parquet.measure,
    "b2": b2_csv_to_postgres.measure,
    "b3": b3_dirty_csv.measure,
    "b4": b4_join_aggregate.measure,
    "b7": b7_small_job.measure,
    "join": big_join.measure,
    "flat": flat.measure,
    "b8": b8_claims.measure,
    "footprint": footprint.measure,
    "watches": idle_watches.measure,
}


def main() -> int:
    """Measure, report, and return 1 when a promise is not kept."""
    names = sys.argv[1:] or list(WORKS)
    results = []
    for name in names:
        print(f"{name}:", flush=True)
        results.append(WORKS[name]())
        # At once, so that the figures of the works before outlive one that fails.
        report.write(results[-1])
    print(report.render(results))
    return int(not all(goal.kept for result in results for goal in result.goals))


if __name__ == "__main__":
    sys.exit(main())
