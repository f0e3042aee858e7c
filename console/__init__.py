"""Every `kpp` command: its arguments, its progress and its output. The only place that knows all other packages.

A command line lives here; what it does lives in the package that it belongs to.
"""
