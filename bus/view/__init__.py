"""What any consumer makes of the live plant, pure: the same fold of the same messages for everybody.

`plant.PlantView` and the folds that it holds live here: latest frames, alarms, events, commands and how nodes are. No
sockets, no time, and nothing of how a consumer shows it.
"""
