"""Puts notifications together. The only place that reads its configuration."""

from __future__ import annotations

from services.notifications.events import on
from services.notifications.gateways.mail import Mail, SmtpMail
from services.notifications.gateways.texts import Texts, TwilioTexts
from services.notifications.routes import router
from services.notifications.settings import NotificationsSettings
from services.notifications.tables import Base
from services.notifications.words import Clinic
from shared.claims import BillingClaims, ClaimCheck, PayLinkCheck, SchedulingClaims
from shared.errors import Misconfigured
from shared.service import Parts
from shared.settings import PracticeSettings, load


def build() -> Parts:
    """Read the settings and lay out the service. Raises `Misconfigured`."""
    practice, own = load(PracticeSettings), load(NotificationsSettings)
    if own.smtp_security == "none" and practice.env == "production":
        raise Misconfigured("NOTIFICATIONS_SMTP_SECURITY: production sends mail over TLS only")
    if (own.smtp_user is None) != (own.smtp_password is None):
        raise Misconfigured("NOTIFICATIONS_SMTP_USER and NOTIFICATIONS_SMTP_PASSWORD: both or none")
    clinic = Clinic(own.clinic_name, own.clinic_phone)
    texts = TwilioTexts(
        account_sid=own.sms_account_sid,
        auth_token=own.sms_auth_token.get_secret_value(),
        sender=own.sms_from,
        clinic=clinic,
        api_base=str(own.sms_api_base) if own.sms_api_base else None,
    )
    mail = SmtpMail(
        host=own.smtp_host,
        port=own.smtp_port,
        sender=own.smtp_from,
        clinic=clinic,
        starttls=own.smtp_security == "starttls",
        user=own.smtp_user,
        password=own.smtp_password.get_secret_value() if own.smtp_password else None,
    )
    claims = SchedulingClaims(
        str(own.scheduling_url),
        service=on.service,
        token_secret=practice.token_secret.get_secret_value(),
    )
    links = BillingClaims(
        str(own.billing_url),
        service=on.service,
        token_secret=practice.token_secret.get_secret_value(),
    )
    return Parts(
        handlers=on,
        metadata=Base.metadata,
        practice=practice,
        own=own,
        gateways={Texts: texts, Mail: mail, ClaimCheck: claims, PayLinkCheck: links},
        routers=[router],
        state={},
    )
