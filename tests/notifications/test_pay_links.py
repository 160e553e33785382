"""The address of a payment page is redeemed at billing and reaches the patient by mail alone."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from shared.claims import PayLinkAddress
from shared.events.billing import PayLinkReady
from shared.ids import new_id
from tests.notifications.house import House
from tests.notifications.stories import Story

URL = "https://checkout.example/c/pay/cs_made_up#with-a-long-tail"


def ready(house: House, patient_id: UUID, pay_link_id: UUID, sent_no: int = 1) -> PayLinkReady:
    now = house.clock.now()
    return PayLinkReady(
        patient_id=patient_id,
        pay_link_id=pay_link_id,
        charge_id=new_id(),
        amount_cents=39900,
        sent_no=sent_no,
        expires_at=now + timedelta(hours=23),
        ready_at=now,
    )


def on_record(house: House, event: PayLinkReady, url: str | None = URL) -> None:
    house.scheduling.has_pay_link(
        PayLinkAddress(
            pay_link_id=event.pay_link_id,
            patient_id=event.patient_id,
            url=url,
            expires_at=event.expires_at,
        )
    )


async def test_a_patient_gets_the_address_of_the_page_by_mail(house: House, story: Story):
    event = ready(house, story.patient_id, new_id())
    on_record(house, event)
    await house.hears(story.registered(), event, event)
    await house.at_rest()

    [mail] = house.world.mails()
    assert URL in mail["text"]
    assert "399" not in mail["subject"]
    assert house.texts() == []
    assert await house.states() == {("pay_link", 1): "sent"}
    asked = [one for one in house.scheduling.asked if "pay-links" in one.path]
    assert {(one.service, one.purpose) for one in asked} == {("notifications", "patient_messages")}


async def test_a_link_that_is_sent_again_is_another_mail(house: House, story: Story):
    pay_link_id = new_id()
    first = ready(house, story.patient_id, pay_link_id)
    on_record(house, first)
    await house.hears(story.registered(), first)
    await house.at_rest()
    await house.hears(ready(house, story.patient_id, pay_link_id, sent_no=2))
    await house.at_rest()

    assert len(house.world.mails()) == 2


async def test_of_a_page_that_has_closed_nothing_is_said(house: House, story: Story):
    event = ready(house, story.patient_id, new_id())
    on_record(house, event, url=None)
    await house.hears(story.registered(), event)
    await house.at_rest()

    assert house.world.mails() == []
    assert await house.states() == {}
