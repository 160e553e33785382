"""The signing vendor's page: one prescription before its prescriber, to be signed or declined."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Form, HTTPException
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from deploy.local.outside.pages.html import Cell, chip, facts, ident, page, section, when
from deploy.local.outside.signing.routes import Factors, check_factors, find_session
from deploy.local.outside.signing.sessions import Session, Status
from deploy.local.outside.world import TheWorld

router = APIRouter(prefix="/signing/sessions/{session_id}")

LEGAL_NOTICE = (
    "By completing the two-factor authentication protocol at this time, you are legally signing "
    "the prescription(s) and authorizing the transmission of the above information to the "
    "pharmacy for dispensing. The two-factor authentication protocol may only be completed by the "
    "practitioner whose name and DEA registration number appear above."
)
"""21 CFR 1311.140(a)(3), word for word."""

_FORM = """<form method="post">
<label>Pass phrase
<input type="password" name="knowledge" required maxlength="128" autocomplete="off"></label>
<label>Code of your hard token
<input name="token_code" required maxlength="16" inputmode="numeric" autocomplete="one-time-code">
</label>
<div class="buttons"><button name="decision" value="sign">Sign this prescription</button>
<button class="quiet" name="decision" value="decline">Decline</button></div></form>"""


@router.get("", response_class=HTMLResponse)
async def show(world: TheWorld, session_id: str) -> HTMLResponse:
    """What the prescriber sees before signing."""
    return _page(find_session(world, session_id))


@router.post("", response_class=HTMLResponse)
async def decide(
    world: TheWorld,
    session_id: str,
    knowledge: Annotated[str, Form(min_length=1, max_length=128)],
    token_code: Annotated[str, Form(min_length=1, max_length=16)],
    decision: Annotated[Literal["sign", "decline"], Form()],
) -> Response:
    session = find_session(world, session_id)
    try:
        check_factors(world, session, Factors(knowledge=knowledge, token_code=token_code))
    except HTTPException as refused:
        return _page(session, trouble=refused.detail, status=refused.status_code)
    if decision == "sign":
        world.signing.sign(session)
    else:
        world.signing.decline(session)
    return RedirectResponse(f"/signing/sessions/{session_id}", 303)


def _page(session: Session, *, trouble: str = "", status: int = 200) -> HTMLResponse:
    shown: list[tuple[str, Cell]] = [
        (name.replace("_", " ").capitalize().replace("Dea ", "DEA "), str(value))
        for name, value in session.prescription.items()
    ]
    shown.append(("Reference", ident(session.reference)))
    shown.append(("Status", chip(session.status)))
    if session.decided_at is not None:
        shown.append((session.status.capitalize(), when(session.decided_at)))
    inside = facts(shown)
    if session.status is Status.OPEN:
        inside += f'<p class="notice">{LEGAL_NOTICE}</p>'
        inside += f'<p class="notice bad" role="alert">{trouble}</p>' if trouble else ""
        inside += _FORM
    return page(
        "Sign a prescription"
        if session.status is Status.OPEN
        else f"Prescription {session.status}",
        "A simulated certified signing vendor. Nothing signed here is a prescription.",
        section("prescription", "Prescription", "As it will be signed, word for word.", inside),
        status=status,
    )
