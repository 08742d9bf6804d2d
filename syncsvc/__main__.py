"""`python -m syncsvc`: the same as the installed `syncsvc`."""

import sys

from syncsvc.cli import main

if __name__ == "__main__":
    sys.exit(main())
