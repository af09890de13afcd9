"""`lgsp quarantine`: what could not be taken in, by source, reason and day; all that is kept of one
refusal, in words; its replay after a fix, and dropping it.
"""
