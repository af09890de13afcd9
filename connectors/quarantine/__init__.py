"""What was refused: what is kept of it in clear, how it stands, and what was done with it since."""
