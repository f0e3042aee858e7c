"""Who may talk: keys of the bus, tokens of the web doors, their roles, and what each door refuses.

Every check of a host, a key, a token, an origin or a limit lives here. What a request then does is up to its door.
"""
