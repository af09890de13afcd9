"""`lgsp quarantine`: what could not be taken in, by source, reason and day; and all that is kept of
one refusal, in words.
"""

from __future__ import annotations

from ops.quarantine.run import EntryFilter, instant_of, run_list, run_show

__all__ = ["EntryFilter", "instant_of", "run_list", "run_show"]
