"""What billing does, one function per event, request, call or outcome. `events.py` wires them."""
