"""``python -m charimg``: the same as the command."""

from charimg.cli import main

if __name__ == "__main__":
    main()
