"""`lgsp client`: who may use the hub, managed on its own machine, without HTTP; and `lgsp audit`."""
