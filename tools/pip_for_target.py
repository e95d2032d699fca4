"""pip on behalf of another platform and Python: `pip_for_target.py MARKERS-AS-JSON PIP-ARGUMENTS...`.

pip's own --platform and --python-version only choose among the wheels of a project. Whether a project is needed at all
(`; sys_platform == "win32"`) pip decides by the machine and the Python that it runs on, and has no option for others.
What comes of it is checked without pip's help, see `wheel_checks.py`.
"""

from __future__ import annotations

import json
import sys

from pip._vendor.packaging import markers


def main() -> int:
    values = json.loads(sys.argv[1])
    markers.default_environment = lambda: dict(values)
    from pip._internal.cli.main import main as pip

    return pip(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
