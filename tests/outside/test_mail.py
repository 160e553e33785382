"""The mail server keeps what it is handed, and sometimes says otherwise."""

from __future__ import annotations

import asyncio
from email.message import EmailMessage

import aiosmtplib
import httpx
import pytest

from tests.support.outside_world import OutsideWorld


def _letter() -> EmailMessage:
    letter = EmailMessage()
    letter["From"] = "Clinic <clinic@example.org>"
    letter["To"] = "Testa Canary <testa.canary@example.org>"
    letter["Subject"] = "Ein <b>Dokument</b> für Sie"
    letter["X-Purpose"] = "superbill"
    letter.set_content("Hello,\n\n<i>your</i> document is attached.\n")
    letter.add_attachment(
        b"%PDF-1.7 made up", maintype="application", subtype="pdf", filename="superbill.pdf"
    )
    letter.add_attachment("<script>alert(1)</script>", subtype="html", filename="page.html")
    return letter


async def _send(world: OutsideWorld, patience_s: float = 5) -> None:
    await aiosmtplib.send(
        _letter(),
        hostname="127.0.0.1",
        port=world.smtp_port,
        recipients=["testa.canary@example.org", "copy@example.org"],
        timeout=patience_s,
    )


async def test_a_mail_is_kept_with_envelope_headers_text_and_attachments(world: OutsideWorld):
    await _send(world)

    (mail,) = world.mails(to="copy@example.org")
    assert mail["sender"] == "clinic@example.org"
    assert mail["recipients"] == ["testa.canary@example.org", "copy@example.org"]
    assert mail["subject"] == "Ein <b>Dokument</b> für Sie"
    assert ["X-Purpose", "superbill"] in mail["headers"]
    assert "document is attached" in mail["text"]
    assert [(a["name"], a["content_type"]) for a in mail["attachments"]] == [
        ("superbill.pdf", "application/pdf"),
        ("page.html", "text/html"),
    ]


async def test_a_mail_is_read_in_a_browser_and_can_do_no_harm_there(
    http: httpx.AsyncClient, world: OutsideWorld
):
    await _send(world)
    (mail,) = world.mails()
    address = f"{world.url}/mail/{mail['mail_id']}"

    page = await http.get(address)
    assert "Ein &lt;b&gt;Dokument&lt;/b&gt; für Sie" in page.text
    assert "&lt;i&gt;your&lt;/i&gt;" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    pdf = await http.get(f"{address}/attachments/0")
    assert (pdf.content, pdf.headers["content-type"]) == (b"%PDF-1.7 made up", "application/pdf")
    script = await http.get(f"{address}/attachments/1")
    assert script.headers["content-type"] == "application/octet-stream"
    assert script.headers["content-disposition"].startswith("attachment")
    raw = await http.get(f"{address}/raw")
    assert "X-Purpose: superbill" in raw.text
    assert (await http.get(f"{address}/attachments/2")).status_code == 404


async def test_a_temporary_refusal_keeps_nothing(world: OutsideWorld):
    world.fault("smtp", "status_before")
    with pytest.raises(aiosmtplib.SMTPDataError) as refused:
        await _send(world)
    assert refused.value.code == 451
    assert world.mails() == []

    await _send(world)
    assert len(world.mails()) == 1


async def test_a_connection_cut_after_the_data_leaves_the_mail_there(world: OutsideWorld):
    world.fault("smtp", "lost_answer")
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await _send(world)
    assert len(world.mails()) == 1


async def test_an_error_after_the_data_leaves_the_mail_there(world: OutsideWorld):
    world.fault("smtp", "status_after", status=452)
    with pytest.raises(aiosmtplib.SMTPDataError) as refused:
        await _send(world)
    assert refused.value.code == 452
    assert len(world.mails()) == 1


async def test_a_server_that_says_nothing_may_or_may_not_have_the_mail(world: OutsideWorld):
    world.fault("smtp", "hang", seconds=30, works=False)
    with pytest.raises(aiosmtplib.SMTPReadTimeoutError):
        await _send(world, patience_s=0.3)
    assert world.mails() == []
    world.fault("smtp", "hang", seconds=30)
    with pytest.raises(aiosmtplib.SMTPReadTimeoutError):
        await _send(world, patience_s=0.3)
    assert len(world.mails()) == 1


async def test_a_slow_server_takes_the_mail_in_the_end(world: OutsideWorld):
    world.fault("smtp", "slow", ms=300)
    sending = asyncio.create_task(_send(world))
    await asyncio.sleep(0.1)
    assert world.mails() == []
    await sending
    assert len(world.mails()) == 1
