"""The providers of the core package: those that need no account and no further dependency.

They are also the readable examples: ``echo`` a generator, ``folder`` and ``none`` uploaders, ``sqlite`` the store.
"""
