"""Run a command line and write its peak memory, in KiB, to a file: measure.py FILE ARGV…"""

import os
import sys
from pathlib import Path

child = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(child, 0)
Path(sys.argv[1]).write_text(str(usage.ru_maxrss))
sys.exit(os.waitstatus_to_exitcode(status) % 256)
