"""A plant module: the fold of the plant over the tick stream.

`core` follows the ticks and `app` owns sockets and files; what computes or keeps a state of the plant is in `replica`.
"""
