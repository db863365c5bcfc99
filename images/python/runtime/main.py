# What the bootstrap starts: hands over to the loop, which never returns.
import sys

sys.path.insert(0, "/var/runtime")

import hearth_loop  # noqa: E402

hearth_loop.run()
