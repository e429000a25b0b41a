"""What strangers may send: rosters, settings, pictures and answers made to crash, to stall, to fill the memory or to
fool. What an input means is tested beside each module; here it is made hostile on purpose."""
