"""Sockets: the only place that imports zmq, and what programs use to subscribe, to ask and to repair.

Whatever opens, binds or reads a socket of the bus lives here. What the messages mean is decided elsewhere.
"""
