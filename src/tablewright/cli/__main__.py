"""Run the command line: python -m tablewright.cli."""

from tablewright.cli import main

if __name__ == "__main__":
    main()
