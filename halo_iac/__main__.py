"""``python -P -m halo_iac``: the command line without the console script.

Without ``-P`` Python looks for every module in the working directory first, which may be a stranger's checkout with an
``httpx.py`` in it. From here on it does so no more; a ``halo_iac`` of the stranger's own, found before, only ``-P``
keeps out.
"""

import sys

if not sys.flags.safe_path:
    del sys.path[0]

from halo_iac.cli.main import run

if __name__ == "__main__":
    run()
