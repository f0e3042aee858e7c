"""The ordered stream, pure: every message once, in order, or a request for what is missing; spans of equal ticks.

Code that puts messages in order, counts them or encodes their history lives here. No sockets, threads, logs or time.
"""
