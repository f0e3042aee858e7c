"""Measurements as ratios within one run: what the plant costs against the floor of the same machine."""
