"""Where new clients begin: what they send goes into a space of its own, and from there, once they
are live, into the hub's.
"""
