"""`python -m lsmpl_core` is the `lsmpl` command."""

import sys

from .cli import main

sys.exit(main())
