"""The loads that faults strike: what they read, into what, and what must be there in the end.

A new mode of publishing is one more line in `MODES`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

ROWS = 20_000
#: Every so many-th row of a source has an amount that is no number, and is rejected.
BAD_EVERY = 1000

PIPELINE = """\
api: etlplus/v1
name: {name}
sources:
  numbers:
    csv:
      uri: "{source}"
      columns: {{id: bigint, amount: "decimal(12,2)", word: text, crc: text}}
steps:
  - map: {{amount: "amount + 0"}}
sinks:
{more}  table: {{postgres: {{connection: mart, table: {name}, mode: {mode}}}}}
"""
FILES = '  files: {{parquet: {{uri: "{folder}/", mode: append}}}}\n'

VERSIONS = ", valid_from timestamptz not null, valid_to timestamptz, is_current boolean not null"
VERSION = ", '2000-01-01', null, true"

#: Lost, doubled, foreign and wrong rows.
COMPARE = """
with expected as (
    select n as id, 'word ' || n as word from generate_series(1, {rows}) n where n % {bad} <> 0
    union all
    select n, 'old ' || n from generate_series({first}, {last}) n
)
select count(*) filter (where t.id is null),
       count(t.id) - count(distinct t.id),
       count(*) filter (where e.id is null),
       count(*) filter (where t.word <> e.word or t.crc <> md5(t.id || t.word))
from expected e full join {name} t on t.id = e.id"""


@dataclass(frozen=True, slots=True)
class Mode:
    """A way of publishing.

    Attributes:
        name: as pipelines write it, with its options.
        old: the first and last id of the rows that are in the target before.
        kept: the first and last id of those that stay; the load brings ids from 1 on.
        has_versions: whether a row that gives way stays too, as a version that has ended.
    """

    name: str
    old: tuple[int, int]
    kept: tuple[int, int]
    has_versions: bool = False

    @property
    def before(self) -> int:
        """Rows in the target before the load."""
        return self.old[1] - self.old[0] + 1

    @property
    def ended(self) -> int:
        """Rows of before that are versions which have ended after the load."""
        return self.old[1] - self.kept[1] if self.has_versions else 0


MODES = (
    Mode("append", (-49, 0), (-49, 0)),
    Mode("replace", (-49, 50), (1, 0)),
    Mode("merge, keys: [id]", (-49, 50), (-49, 0)),
    Mode("delete_insert, keys: [id]", (-49, 50), (-49, 0)),
    Mode("scd2, keys: [id]", (-49, 50), (-49, 0), has_versions=True),
)


@dataclass(frozen=True, slots=True)
class Load:
    """A table and a pipeline that loads into it.

    Attributes:
        files: where the load writes files too; None when it does not.
    """

    name: str
    mode: Mode
    source: Path
    rows: int
    files: Path | None

    @property
    def good(self) -> int:
        """Rows that the load brings."""
        return self.rows - self.bad

    @property
    def bad(self) -> int:
        """Rows that the load rejects."""
        return self.rows // BAD_EVERY

    @property
    def after(self) -> int:
        """Rows in the target after the load."""
        return self.good + self.mode.kept[1] - self.mode.kept[0] + 1 + self.mode.ended

    @property
    def text(self) -> str:
        """The pipeline."""
        more = FILES.format(folder=self.files) if self.files else ""
        return PIPELINE.format(name=self.name, source=self.source, mode=self.mode.name, more=more)

    @property
    def preparation(self) -> str:
        """Makes the target with its old rows."""
        first, last = self.mode.old
        columns, values = (VERSIONS, VERSION) if self.mode.has_versions else ("", "")
        return (
            f"create table {self.name}"
            f" (id bigint, amount numeric(12,2), word text, crc text{columns});"
            f" insert into {self.name} select n, 0, 'old ' || n, md5(n || 'old ' || n){values}"
            f" from generate_series({first}, {last}) n"
        )

    @property
    def comparison(self) -> str:
        """Counts what differs from what must be there."""
        first, last = self.mode.kept
        now = f"(select * from {self.name} where is_current)"
        name = now if self.mode.has_versions else self.name
        return COMPARE.format(name=name, rows=self.rows, bad=BAD_EVERY, first=first, last=last)

    @property
    def ended(self) -> str:
        """Counts versions that have ended and are rows of before, and those that are none."""
        is_old = "valid_to is not null and word = 'old ' || id and id > 0"
        return (
            f"select count(*) filter (where {is_old}), count(*) filter (where not ({is_old}))"
            f" from {self.name} where not is_current"
        )


def write_source(path: Path, rows: int) -> None:
    """Writes the rows 1 to `rows`, each with a checksum of its own."""
    with path.open("w") as file:
        file.write("id,amount,word,crc\n")
        for n in range(1, rows + 1):
            amount = "none" if n % BAD_EVERY == 0 else f"{n % 997}.{n % 100:02}"
            crc = hashlib.md5(f"{n}word {n}".encode(), usedforsecurity=False).hexdigest()
            file.write(f"{n},{amount},word {n},{crc}\n")
