"""Faults at random moments, from a seed, and the proof that nothing was lost, doubled or changed by them."""
