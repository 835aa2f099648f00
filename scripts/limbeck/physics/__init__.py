"""What a model makes of dynamics and crystals, beside another that it is to be like.

Forces may be right on average and a trajectory still heat up, a phonon still be soft: what a
potential is for is measured here, and compared with the potential that it learned from.
"""
