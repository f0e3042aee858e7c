"""What the processes say to each other: messages, the ordered stream, sockets, keys.

Here lives what every process needs to talk and to understand, whatever it does. It knows no plant: nothing here imports
`kpp_physics` or a node, and only `bus.transport` opens sockets.
"""
