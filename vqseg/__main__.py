"""python -m vqseg, also under `accelerate launch -m vqseg`."""

import sys

from vqseg.cli import main

sys.exit(main())
