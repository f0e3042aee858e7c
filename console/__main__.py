"""`python -m console` is `kpp`."""

import sys

from console.main import main

sys.exit(main())
