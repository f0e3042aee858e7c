"""What can be said: declarations of messages, their schema and bytes, and the addresses at which it is said.

A message, a field, a topic or an endpoint is declared here and nowhere else. No sockets, no files, no time.
"""
