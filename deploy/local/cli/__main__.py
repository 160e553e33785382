"""`python -m deploy.local.cli` is `practice`, where the distribution is not installed."""

from deploy.local.cli import main

main()
