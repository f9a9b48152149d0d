"""Entry point of ``python -m iris_deploy``."""

import sys

from iris_deploy.cli import main

if __name__ == "__main__":
    sys.exit(main())
