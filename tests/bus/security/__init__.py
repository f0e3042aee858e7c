"""Tests of bus.security."""
