"""`GET /`: what the outside world holds, on one page; and each mail on its own."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Response
from fastapi.responses import HTMLResponse

from deploy.local.outside.mail import Mail
from deploy.local.outside.pages import money
from deploy.local.outside.pages.html import (
    Cell,
    Column,
    Markup,
    chip,
    dollars,
    facts,
    ident,
    lines,
    link,
    page,
    section,
    when,
    with_small,
)
from deploy.local.outside.pages.listing import MOST_ROWS, count, counted, newest_first
from deploy.local.outside.sms.network import Direction
from deploy.local.outside.webhooks import Outcome
from deploy.local.outside.world import TheWorld, World

router = APIRouter()
_SHOWN_INLINE = frozenset({"application/pdf", "image/png", "text/plain"})


def _open_links(world: World) -> int:
    sessions = world.stripe.checkout_sessions.values()
    return sum(session["status"] == "open" for session in sessions)


@router.get("/", response_class=HTMLResponse)
async def overview(world: TheWorld) -> HTMLResponse:
    parts = (*money.PARTS, _orders, _signatures, _texts, _mails, _webhooks, _faults)
    return page(
        "The outside world", _now(world), _tiles(world) + "".join(part(world) for part in parts)
    )


def _now(world: World) -> Markup:
    rest = world.rest()
    doing = "All is quiet" if rest["at_rest"] else "Notices are under way"
    due = rest["next_due_at"]
    next_due = Markup(f"; next falls due {when(due).html}") if due else Markup("")
    return Markup(
        f"Stripe, the partner pharmacy, the signing vendor, texts and mail, as they really are. "
        f"Practice time {when(world.clock.now()).html} UTC. {doing}{next_due.html}."
    )


def _tiles(world: World) -> str:
    paid = [charge for charge in world.stripe.charges.values() if charge["paid"]]
    total = sum(charge["amount"] - charge["amount_refunded"] for charge in paid)
    signed = len(world.signing.signature_ids())
    undelivered = sum(
        notice.outcome not in {Outcome.DELIVERED, Outcome.NOBODY_LISTENS}
        for notice in world.post.notices.values()
    )
    tiles = (
        ("charges", dollars(total), count(len(paid), "paid charge")),
        ("checkout", *counted(_open_links(world), "open pay page")),
        ("disputes", *counted(len(world.stripe.disputes), "dispute")),
        ("payouts", *counted(len(world.stripe.payouts), "payout")),
        ("orders", *counted(len(world.pharmacy.orders), "pharmacy order")),
        ("signatures", *counted(signed, "signature")),
        ("texts", *counted(len(world.sms.texts), "text")),
        ("mails", *counted(len(world.mail.mails), "mail")),
        ("webhooks", *counted(undelivered, "undelivered notice")),
    )
    inside = "".join(
        f'<li><a class="tile" href="#{anchor}"><b>{figure}</b><span>{label}</span></a></li>'
        for anchor, figure, label in tiles
    )
    return f'<ul class="tiles" aria-label="At a glance">{inside}</ul>'


def _orders(world: World) -> str:
    rows: list[Sequence[Cell]] = []
    for order in world.pharmacy.orders.values():
        form = order.form
        tracking = order.tracking
        parcel = f"{tracking['carrier']} {tracking['number']}" if tracking else ""
        rows.append(
            (
                when(order.history[0]["at"]),
                with_small(
                    f"{form.drug}, {form.strength}",
                    f"{form.quantity} {form.quantity_unit}, {form.days_supply} days, "
                    f"{count(form.refills, 'refill')}, {form.schedule}",
                ),
                with_small(chip(order.status), order.reason or parcel),
                when(order.status_at),
                with_small(ident(order.order_id), f"reference {form.reference}"),
            )
        )
    columns = (
        Column("Received"),
        Column("Prescription", "wide"),
        Column("Status"),
        Column("Since"),
        Column("Order"),
    )
    return newest_first(
        "orders",
        "Orders at the pharmacy",
        columns,
        rows,
        sub="Each is a bottle: two orders with one reference are one too many.",
        none="The pharmacy has no orders.",
    )


def _signatures(world: World) -> str:
    rows: list[Sequence[Cell]] = [
        (
            when(session.created_at),
            with_small(
                link(session.url.removeprefix(world.settings.base_url), session.reference),
                f"{session.prescription['drug']}, {session.prescription['strength']}",
            ),
            chip(session.status),
            when(session.decided_at),
            with_small(
                ident(session.signature_id or "no signature"), f"sha256 {session.sha256[:16]}…"
            ),
        )
        for session in world.signing.sessions.values()
    ]
    columns = (
        Column("Opened"),
        Column("Prescription", "wide"),
        Column("Status"),
        Column("Decided"),
        Column("Signature"),
    )
    return newest_first(
        "signatures",
        "Signatures at the vendor",
        columns,
        rows,
        sub="One session per prescription, signed with two factors.",
        none="Nothing was ever put before a prescriber.",
    )


def _texts(world: World) -> str:
    rows: list[Sequence[Cell]] = [
        (
            when(text.created_at),
            with_small(
                text.sender if text.direction is Direction.INBOUND else text.to,
                {Direction.INBOUND: "wrote", Direction.REPLY: "was answered by the network"}.get(
                    text.direction, "was written to"
                ),
            ),
            with_small(chip(text.status), text.error_message or ""),
            text.body,
        )
        for text in world.sms.texts.values()
    ]
    columns = (Column("When"), Column("Patient"), Column("Status"), Column("Text", "wide"))
    return newest_first(
        "texts",
        "Texts",
        columns,
        rows,
        sub="Both ways, newest first.",
        none="No text was ever sent.",
    )


def _mails(world: World) -> str:
    rows: list[Sequence[Cell]] = [
        (
            when(mail.received_at),
            lines(mail.recipients),
            link(f"/mail/{mail.mail_id}", str(mail.message()["subject"] or "(no subject)")),
            lines(_attachment_links(mail)) if mail.attachments() else "none",
        )
        for mail in list(world.mail.mails.values())[-MOST_ROWS:]
    ]
    columns = (Column("When"), Column("To"), Column("Subject", "wide"), Column("Attachments"))
    return newest_first(
        "mails",
        "Mails",
        columns,
        rows,
        sub="Everything that was handed to the mail server.",
        none="No mail was ever sent.",
    )


def _attachment_links(mail: Mail) -> list[Markup]:
    return [
        link(f"/mail/{mail.mail_id}/attachments/{number}", attachment.name)
        for number, attachment in enumerate(mail.attachments())
    ]


def _webhooks(world: World) -> str:
    rows: list[Sequence[Cell]] = [
        (
            str(notice.system),
            with_small(notice.kind, notice.url or ""),
            chip(notice.outcome),
            ", ".join(str(answer) for answer in notice.answers[-6:]) or "none",
            ident(notice.notice_id),
        )
        for notice in world.post.notices.values()
    ]
    columns = (
        Column("From"),
        Column("Notice", "wide"),
        Column("Outcome"),
        Column("Answers"),
        Column("Id"),
    )
    return newest_first(
        "webhooks",
        "Notices to the practice",
        columns,
        rows,
        sub="Webhooks, with what the practice answered to the last tries.",
        none="The practice was told nothing.",
    )


def _faults(world: World) -> str:
    rows: list[Sequence[Cell]] = [
        (
            str(fault["system"]),
            str(fault["kind"]).replace("_", " "),
            ident(str(fault["route"])),
            f"{fault['done']} of {fault['times']}",
        )
        for fault in world.faults.shown()
    ]
    columns = (Column("System"), Column("Fault"), Column("Route", "wide"), Column("Done", "num"))
    return newest_first(
        "faults",
        "Faults ordered",
        columns,
        rows,
        sub="What goes wrong on purpose.",
        none="Nothing goes wrong on purpose.",
    )


def _mail(world: World, mail_id: str) -> Mail:
    mail = world.mail.mails.get(mail_id)
    if mail is None:
        raise HTTPException(404, f"no mail {mail_id}")
    return mail


@router.get("/mail/{mail_id}", response_class=HTMLResponse)
async def read_mail(world: TheWorld, mail_id: str) -> HTMLResponse:
    mail = _mail(world, mail_id)
    message = mail.message()
    subject = str(message["subject"] or "(no subject)")
    attachments = _attachment_links(mail)
    told = facts(
        (
            ("From", str(message["from"] or mail.sender)),
            ("To", ", ".join(mail.recipients)),
            ("Handed over", when(mail.received_at)),
            ("Attachments", lines(attachments) if attachments else "none"),
            ("As it came", link(f"/mail/{mail_id}/raw", "the whole message")),
        )
    )
    inside = told + f'<pre class="letter">{escape(mail.text())}</pre>'
    return page(subject, link("/#mails", "Back to all mails"), section("mail", "Mail", "", inside))


@router.get("/mail/{mail_id}/raw")
async def read_raw_mail(world: TheWorld, mail_id: str) -> Response:
    return Response(
        _mail(world, mail_id).raw,
        media_type="text/plain; charset=utf-8",
        headers={"x-content-type-options": "nosniff"},
    )


@router.get("/mail/{mail_id}/attachments/{number}")
async def read_attachment(world: TheWorld, mail_id: str, number: int) -> Response:
    """An attachment; shown in the browser where that cannot run anything, else kept as a file."""
    attachments = _mail(world, mail_id).attachments()
    if not 0 <= number < len(attachments):
        raise HTTPException(404, f"this mail has {len(attachments)} attachments")
    attachment = attachments[number]
    shown = attachment.content_type in _SHOWN_INLINE
    place = "inline" if shown else "attachment"
    return Response(
        attachment.content,
        media_type=attachment.content_type if shown else "application/octet-stream",
        headers={
            "content-disposition": f"{place}; filename*=UTF-8''{quote(attachment.name)}",
            "x-content-type-options": "nosniff",
        },
    )
