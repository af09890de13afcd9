"""One way from a question to a figure, or to the reason why there is none."""
