"""`python -m etlplus.cli` is the command `etlplus`, for processes that start it themselves."""

from __future__ import annotations

import sys

from etlplus.cli.main import main

sys.exit(main())
