"""One thing traced: the facts that were told of it, what is known of it, and which figures it is
in.
"""
