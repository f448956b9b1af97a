#!/bin/sh
# Compiles the project's own crates so that a fuzzer sees which branches an input takes. The crates
# they depend on stay as they are, so they are not compiled again.
# A build script runs by itself, without a fuzzer.
case "$*" in
  *"--crate-name build_script_"*) exec "$@" ;;
esac
exec "$@" \
  -Cpasses=sancov-module \
  -Cllvm-args=-sanitizer-coverage-level=4 \
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
  -Cllvm-args=-sanitizer-coverage-pc-table \
  -Cllvm-args=-sanitizer-coverage-trace-compares
