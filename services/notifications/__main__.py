"""`python -m services.notifications`: the service itself."""

from services.notifications.app import build
from shared.service import main

main(build)
