"""One-stop systems as they are: packets of QCVN 120 taken in as facts, at the address, user and
password that a system keeps for the national adapter.

doors (shapes of requests) -> reading (fields, by the declared map) -> target (what a packet says)
-> difference (facts, by what was said before) -> the packet's record -> publisher
"""
