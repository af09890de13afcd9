"""`lgsp vault`: what is kept whole, by whose and which day it is; its keys erased, and the master
key changed.
"""
