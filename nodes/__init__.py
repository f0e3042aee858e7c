"""The processes of the plant: each a pure core and a thin shell that owns sockets, deadlines and files.

A node has a package with `core` (decisions) and `app` (sockets, threads, files); `python -m nodes.<name>` starts it.
Node packages do not import each other: they meet as messages.
"""
