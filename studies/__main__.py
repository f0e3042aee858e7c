"""`python -m studies` is `kpp`."""

import sys

from studies.cli import main

sys.exit(main())
