"""`lgsp mend`: books, group and log as they stand beside one another, and what puts them right when
they don't fit together.

Workers refuse such books by name (streams/checks.py) and change nothing. This is the other half:
run by hand, while no worker runs. Events are never touched.
"""

from ops.mend.run import run_mend

__all__ = ["run_mend"]
