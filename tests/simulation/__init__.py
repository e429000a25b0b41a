"""Deterministic simulation: the real run in a simulated world in which everything goes wrong, from one seed."""
