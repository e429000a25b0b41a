"""Measurements, run by hand (``make bench``). Timing is measured here and asserted nowhere."""
