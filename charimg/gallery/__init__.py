"""The finished cast, for people to look at.

::

    cards           what is known of every character: roster and ledger put together (pure)
    cast            reads both, for the commands
    thumbnails      a picture file made small, for embedding
    page            one self-contained HTML file (page.html, page.css, page.js are its parts)
    contact_sheet   one picture of all

Nothing is imported here, so that a command loads only the part it needs.
"""

from __future__ import annotations
