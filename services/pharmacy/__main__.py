"""`python -m services.pharmacy`: the service itself."""

from services.pharmacy.app import build
from shared.service import main

main(build)
