"""`lgsp client`, `lgsp audit`: who may use the hub, managed on its own machine, without HTTP."""
