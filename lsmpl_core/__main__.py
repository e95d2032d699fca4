"""`python -m lsmpl_core` is the `lsmpl` command."""

import sys

from .cli.main import main

sys.exit(main())
