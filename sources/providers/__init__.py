"""One file per vendor: what it gives, its traps, how it is asked, and how its answers are read."""
