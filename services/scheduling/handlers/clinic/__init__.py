"""The clinic itself: its places, chairs, clinicians, and its figures."""
