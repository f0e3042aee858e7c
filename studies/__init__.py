"""Work without processes: headless runs of the plant, measured and compared.

Functions that run plants and return numbers live here. No processes, no bus, no command line.
"""
