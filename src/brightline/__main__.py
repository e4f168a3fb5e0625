"""`python -m brightline`."""

from __future__ import annotations

from brightline.cli import main

if __name__ == "__main__":
    main()
