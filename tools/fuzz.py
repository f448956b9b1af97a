"""Fuzzes the Rust core: `python tools/fuzz.py [TARGET ...] [--seconds 3600]`.

Builds the targets of `rust_core/fuzz` with coverage of the project's own crates, gathers inputs to
begin with from the tests, and runs each target for the given time. Inputs that find new branches
are kept in the cache folder and are where the next run begins. An input that crashes, hangs or
leaks is kept in `out/fuzz` and named; the exit code is 1 then.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import yaml

from etlplus import language
from etlplus.app.ports import RunContext
from etlplus.domain.errors import InvalidInput

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "etlplus"
TARGET_DIR = Path(os.environ.get("CARGO_TARGET_DIR") or CACHE / "target")
FOUND = ROOT / "out" / "fuzz"
#: What one input may take before it counts as a fault: seconds and MiB.
SLOWEST = 20
LARGEST = 3072
#: Words of expressions, for which the fuzzer has no grammar.
WORDS = (
    "cast( as bigint) try_cast( date) decimal(9,2)) case when then else end between and in ( is "
    "null not like coalesce( extract(year from substring( ' interval '1 day' || :: [ ] { } $ "
    "to_date( to_timestamp( date_trunc('month', round( power( -9223372036854775808 1e308 0.1 n x d "
    "t s b"
)
CONTEXT = RunContext("0" * 32, datetime(2026, 1, 1, tzinfo=UTC), {}, lambda name: name)


def main() -> int:
    """Build, seed and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", help=f"of {', '.join(SEEDS)}")
    parser.add_argument("--seconds", type=int, default=3600, help="for each target")
    args = parser.parse_args()
    unknown = set(args.targets) - set(SEEDS)
    if unknown:
        parser.error(f"there is no target {', '.join(sorted(unknown))}")
    _build()
    failed = [name for name in args.targets or SEEDS if not _run(name, args.seconds)]
    if failed:
        print(f"FOUND faults in {', '.join(failed)}; the inputs are in {FOUND}")
    return bool(failed)


def _build() -> None:
    wrapper = str(ROOT / "rust_core" / "fuzz" / "instrument.sh")
    env = {
        **os.environ,
        "RUSTC_WORKSPACE_WRAPPER": wrapper,
        "CARGO_PROFILE_DEV_INCREMENTAL": "false",
        "CARGO_TARGET_DIR": str(TARGET_DIR),
    }
    command = ["cargo", "build", "--locked", "--workspace", "--bins"]
    subprocess.run([*command, "--features", "etlplus_fuzz/run"], cwd=ROOT, env=env, check=True)


def _run(name: str, seconds: int) -> bool:
    """Whether a target ran its time without a fault."""
    corpus = CACHE / "fuzz" / name
    corpus.mkdir(parents=True, exist_ok=True)
    FOUND.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS[name]()):
        (corpus / f"seed-{number:04}").write_bytes(seed)
    words = FOUND / "words"
    words.write_text("".join(f'"{word}"\n' for word in WORDS.split()))
    command = [
        str(TARGET_DIR / "debug" / f"fuzz_{name}"),
        str(corpus),
        f"-max_total_time={seconds}",
        f"-timeout={SLOWEST}",
        f"-rss_limit_mb={LARGEST}",
        f"-artifact_prefix={FOUND}/{name}-",
        f"-dict={words}",
        "-print_final_stats=1",
        "-max_len=16384",
    ]
    print(f"==> {name} for {seconds} s", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        env = {**os.environ, "TMPDIR": scratch}
        return subprocess.run(command, env=env, check=False).returncode == 0


def _files(*endings: str) -> Iterator[bytes]:
    for path in sorted(GOLDEN.rglob("*")):
        if path.suffix in endings and path.is_file():
            yield path.read_bytes()


def _records() -> Iterator[bytes]:
    for number, content in enumerate(_files(".csv")):
        # Dialect, types, size of chunks, partitions.
        yield bytes([number % 40, number % 6, number % 64, number % 7]) + content


def _pipelines() -> Iterator[str]:
    for path in sorted((GOLDEN / "engine").rglob("pipeline.yaml")):
        yield path.read_text()


def _plans() -> Iterator[bytes]:
    for text in _pipelines():
        spec = language.parse(text).spec
        if spec is None:
            continue
        with contextlib.suppress(InvalidInput):  # it needs values of parameters
            yield language.lower(spec, {}, CONTEXT)


def _expressions() -> Iterator[bytes]:
    for text in _pipelines():
        for step in (yaml.safe_load(text) or {}).get("steps") or ():
            yield from (each.encode() for each in _texts(step))


def _texts(value: object) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


SEEDS = {
    "csv_records": _records,
    "csv_detector": lambda: _files(".csv"),
    "plan": _plans,
    "expression": _expressions,
}

if __name__ == "__main__":
    sys.exit(main())
