"""Who asks: the register of clients, how a request says who it is, and what it may do.

clients (what is registered) -> register (all of them, by name and by key) -> gate (who a request
speaks as) -> permissions (what it may), limits (how much of it)
"""
