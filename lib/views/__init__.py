"""Input gradients, CKA and direct matching on the same pairs of networks.

`three_views` makes the table of all pairs of one family, with their `outcomes`; `measures` asks whether the views agree and grow with the
width, and `prediction` how well each foretells what two networks do.
"""
