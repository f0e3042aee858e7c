"""What the operating system offers: environment variables, locked folders, whole files, addresses, open files.

Helpers that know neither messages nor the plant live here, below everything else. Nothing here imports another package
of the project.
"""
