"""Fuzzing: everything that reads what strangers wrote, fed with millions of variations of it.

``python -m tests.fuzzing --seconds 600`` goes through all targets; ``--target rosters`` keeps to one. Where atheris is
installed (``pip install atheris``; it is no requirement of anything here) its coverage leads the way; elsewhere inputs
are mixed from the corpus at random, which the suite does for a moment, too.

::

    targets     what is fed, and what must hold whatever it is fed with
    mutation    from one input to the next
    engine      the loop, with a bound on the time of each input
    guided      the same targets under atheris
"""
