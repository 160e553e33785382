"""The HTTP edge that every service has: problems, idempotent requests, health, the app itself."""
