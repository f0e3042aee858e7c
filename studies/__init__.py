"""Work without processes: headless runs of the plant, measured and compared.

A function that runs plants and returns numbers lives here. No processes, no bus, no command line.
"""
