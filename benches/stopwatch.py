"""Runs a command and prints its wall time in seconds and its peak of resident memory in bytes.

A process of its own, and a small one: the kernel counts what the parent had resident when it made
the child, so a large parent would be measured in place of a small child.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time


def main() -> int:
    """Run the command that the arguments are; its output goes to standard error."""
    start = time.perf_counter()
    process = subprocess.Popen(sys.argv[1:], stdout=sys.stderr)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    print(seconds, usage.ru_maxrss * 1024)
    return process.returncode


if __name__ == "__main__":
    sys.exit(main())
