"""What people see: the world at a glance, a mail, a signing session. No script, nothing fetched."""

from __future__ import annotations

from html import escape

from fastapi import APIRouter

from deploy.local.outside.signing.sessions import Session

router = APIRouter()


def session_page(session: Session) -> str:
    """A prescription before its prescriber."""
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>"
        for name, value in session.prescription.items()
    )
    return f"<!doctype html><title>Sign</title><table>{rows}</table>"
