"""`lgsp void`: what a system told by mistake within a while is voided as a whole (or restored).

Only things of which nobody else spoke, and the system at no other time, are touched: of the others
it can't be said here what was right. They are named, to be put right one by one.
"""
