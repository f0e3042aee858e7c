"""The replica: a plant folded over ticks, kept as snapshots and checkpoints, and computed again from them.

Everything that turns ticks into states, or a state into bytes and back, lives here. No sockets, no threads, no time.
"""
