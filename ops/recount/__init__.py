"""`lgsp recount`: everything computed again from the first event by a plain fold, and compared with
what was published.

The proof that the figures are exact: it shares with the workers what a family means (merge and
counts) and which records may count, and nothing of how they batch, cache, subtract, commit or
recover. It may run under load: what was published says itself which events it stands for.
"""

from ops.recount.compare import recount
from ops.recount.report import run_recount, tell
from ops.recount.verdict import Verdict

__all__ = ["Verdict", "recount", "run_recount", "tell"]
