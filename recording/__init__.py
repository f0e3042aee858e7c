"""Recordings on disk: write, seal, query, check, export.

What lies in a recording, or reads one, lives here. Of the bus it knows messages, no sockets; of the plant nothing.
"""
