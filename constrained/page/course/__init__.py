"""Lessons: their files, and the numbers in them."""
