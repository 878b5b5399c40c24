"""``python -m runner`` is ``nic-etl``."""

from runner.cli import main

main()
