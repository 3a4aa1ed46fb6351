"""`python -m rongtong` is `rongtong`."""

import sys

from rongtong.cli import main

sys.exit(main())
