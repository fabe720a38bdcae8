"""Training: a run's stages, the loop, and what is written and saved on the way."""
