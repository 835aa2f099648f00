"""``python -m limbeck``: the command ``limbeck`` where it is not installed as one."""

from limbeck.command import main

if __name__ == "__main__":
    main()
