"""Rounds of training: students make frames of their own, some are labelled, and others learn them.

A round is four questions: where do the students go (:mod:`~limbeck.rounds.explore`), what of that
is worth a label (:mod:`~limbeck.rounds.choose`), what is there to learn then
(:mod:`~limbeck.rounds.extend`), and was it worth it (:mod:`~limbeck.rounds.compare`)?
"""
