"""What goes wrong, and what does not, tried on the bundled features: small trainings whose figures lessons show."""

EXPERIMENTS: dict = {}
