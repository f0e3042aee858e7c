"""What any consumer knows of the live plant, pure: the same fold of the same messages for everybody.

`plant_view.PlantView` and the folds that it holds live here: latest frames, alarms, events, commands and the health of
nodes. No sockets, no time, and nothing of how a consumer shows it.
"""
