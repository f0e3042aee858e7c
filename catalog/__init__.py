"""What lies in the data folder and beside it under a name: scenarios, presets, recordings, and forks of them.

Reading, writing and naming such files lives here, once for all doors. How a door shows them, or reports what is wrong,
is up to the door.
"""
