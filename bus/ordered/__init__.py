"""The ordered stream, pure: every message once, in order, or a request for what is missing; runs of equal ticks.

What puts messages in order, counts them or codes their history lives here. No sockets, threads, logs or time.
"""
