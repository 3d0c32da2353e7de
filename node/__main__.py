"""``python -m node`` is ``hazel``."""

import sys

from node.cli.main import main

sys.exit(main())
