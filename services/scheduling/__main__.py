"""`python -m services.scheduling`: the service itself."""

from services.scheduling.app import build
from shared.service import main

main(build)
