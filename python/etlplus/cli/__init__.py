"""The command `etlplus`: one module for each group of commands.

Data goes to stdout, everything else to stderr. `main` is cheap to import; whatever takes time is
imported by the command that needs it.
"""

from __future__ import annotations

from typing import Final

#: How commands see the argument `-`.
STDIN: Final = "/dev/stdin"
