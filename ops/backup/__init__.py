"""`lgsp backup` and `lgsp restore`: the events, and the books that belong to them, in a folder of
plain files.

    DIR/
      manifest.json                       what the backup holds, with a hash of every file;
                                          replaced in one step, last of all
      events/<topic>/<partition>/*.zst    facts in their order, whole chunks only
      books/<when>/*.zst                  states and cells of one moment, if that was proved
      lock                                held by the command that writes here

Events are the truth; books are what workers had made of them. A backup is never less than exact:
where the books of one moment could not be proved, they are left out, and workers count everything
anew from the events.
"""

from ops.backup.commands import run_backup, run_check, run_restore

__all__ = ["run_backup", "run_check", "run_restore"]
