"""Every `kpp` command: its arguments, its progress and its output. The only place that knows all other packages.

Command lines live here; what they do lives in the package that it belongs to.
"""
