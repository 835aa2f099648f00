"""What the scripts of generative models share, inside the environments of these models.

Nothing of Limbeck is imported here, and nothing that Python 3.7 does not have: the environments are
as old as the models.
"""
