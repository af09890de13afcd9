"""A believable province, seeded and repeatable, that knows the exact figures of everything it
tells.
"""
