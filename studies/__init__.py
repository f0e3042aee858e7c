"""Work without processes: headless runs of the plant."""
