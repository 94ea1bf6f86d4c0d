"""Input gradients, representations and stitches on the same pairs of networks.

`three_views` makes the table of all pairs of one family, with their `outcomes`; `measures` asks whether the views agree and
grow with the width, and `prediction` how well each foretells what two networks do.  `similarity_measures` are all measures
of this book, as they see networks (`seen`), and `six_tests` tests of them whose answer is known beforehand.
"""
