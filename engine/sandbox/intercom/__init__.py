"""A stand-in of Intercom: its REST and its webhooks, over one workspace of invented people.

What it does is what `app.py`, `scenarios.py` and `sender.py` say; where Intercom's own ways are not known,
`switches.py` has both.
"""
