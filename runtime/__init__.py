"""What every process of the plant needs besides its own work: start and stop, beats, log, metrics, HTTP settings.

What is the same in all nodes and in the dashboard lives here. What only one node does belongs to that node.
"""
