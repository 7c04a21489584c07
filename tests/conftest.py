"""Tests run in two processes; each computes in one thread, or the two would wait for each other at every step."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before anything imports torch
