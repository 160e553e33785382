"""`python -m services.billing`: the service itself."""

from services.billing.app import build
from shared.service import main

main(build)
