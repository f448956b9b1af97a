"""How all contenders write Parquet: as ETL Plus does where nothing is said."""

from __future__ import annotations

from typing import Any, Final

ZSTD_LEVEL: Final = 1
ROW_GROUP: Final = 1 << 18

#: The options of DuckDB's `copy … to`.
DUCKDB: Final = (
    f"format parquet, codec zstd, compression_level {ZSTD_LEVEL}, row_group_size {ROW_GROUP}"
)
#: The arguments of Polars' `sink_parquet`.
POLARS: Final[dict[str, Any]] = {
    "compression": "zstd",
    "compression_level": ZSTD_LEVEL,
    "row_group_size": ROW_GROUP,
    "statistics": True,
}
