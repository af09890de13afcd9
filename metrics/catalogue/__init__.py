"""The declared indicators, and the page made of them."""
