"""Feeds that have no history: listened to while they happen, and kept in segments that landing takes up.

`stream` says what a feed is, `venues` holds every feed that is recorded, `segments` the files, `spool` hands them to
landing, and `session` keeps the connections. Only `session` opens sockets of its own; books are asked for through
`sources.http` like everything else.
"""
