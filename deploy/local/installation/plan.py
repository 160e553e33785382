"""Where everything of an installation listens, and the environment that each process gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.installation.keys import Keys
from deploy.local.processes import free_port

SERVICES = ("scheduling", "billing", "pharmacy", "notifications")
OUTSIDE = "outside"
REPLAYED_H = 14 * 24  # as long as a real Kafka keeps a record: deploy.kafka.topics
CLINIC_NAME_MOST = 32  # what notifications has room for in a text
LISTENERS = (*SERVICES, OUTSIDE, "smtp")
TEXTS_FROM = "+12025550199"
MAIL_FROM = "clinic@example.com"


@dataclass(frozen=True, slots=True)
class Plan:
    """Ports of the loopback, one folder, one set of keys."""

    folder: Path
    keys: Keys
    clinic_name: str
    clinic_phone: str
    topic_prefix: str = ""
    database_prefix: str = "practice_"
    keeps_data: bool = False
    """Whether databases stay for the next start. What does not stay is gone with the run."""
    ports: Mapping[str, int] = field(
        default_factory=lambda: {name: free_port() for name in LISTENERS}
    )
    extra: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Further settings of a process, by its name."""

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def log(self, name: str) -> Path:
        return self.folder / "logs" / f"{name}.log"

    @property
    def clock_file(self) -> Path:
        return self.folder / "clock"

    def database(self, service: str) -> str:
        return self.database_prefix + service

    def environment(
        self, service: str, *, bootstrap_servers: str, database_url: str
    ) -> dict[str, str]:
        """Everything that a service is told."""
        keys, name = self.keys, service.upper()
        common = {
            "PRACTICE_ENV": "development",
            "PRACTICE_KAFKA_BOOTSTRAP_SERVERS": bootstrap_servers,
            "PRACTICE_TOPIC_PREFIX": self.topic_prefix,
            "PRACTICE_CLOCK_FILE": str(self.clock_file),
            "PRACTICE_VAULT_KEYS": keys.vault_keys,
            "PRACTICE_TOKEN_SECRET": keys.token_secret,
            "PRACTICE_LOG_LEVEL": "info",
            # The embedded broker gives a lost member's partitions away only after its session
            # ends; a service that was killed is back in seconds when sessions are short.
            "PRACTICE_CONSUMER_SESSION_S": "1.5",
            # It also keeps nothing when it ends: what was said lately is said once more.
            "PRACTICE_REPLAY_ON_START_H": str(REPLAYED_H if self.keeps_data else 0),
            f"{name}_DATABASE_URL": database_url,
            f"{name}_HTTP_PORT": str(self.ports[service]),
        }
        if service != "scheduling":
            common[f"{name}_SCHEDULING_URL"] = self.url("scheduling")
        return common | self._vendors(service) | dict(self.extra.get(service, {}))

    def _vendors(self, service: str) -> dict[str, str]:
        """How a service reaches the outside world, which is simulated here."""
        keys, outside = self.keys, self.url(OUTSIDE)
        match service:
            case "billing":
                return {
                    "BILLING_STRIPE_KEY": keys.stripe_key,
                    "BILLING_STRIPE_API_BASE": f"{outside}/stripe",
                    "BILLING_STRIPE_WEBHOOK_SECRET": keys.stripe_webhook_secret,
                    "BILLING_STRIPE_PUBLISHABLE_KEY": keys.stripe_publishable_key,
                    "BILLING_PAY_LINK_RETURN_URL": f"{outside}/",
                }
            case "pharmacy":
                return {
                    "PHARMACY_PARTNER_URL": f"{outside}/pharmacy",
                    "PHARMACY_PARTNER_KEY": keys.pharmacy_key,
                    "PHARMACY_PARTNER_WEBHOOK_SECRET": keys.pharmacy_webhook_secret,
                    "PHARMACY_SIGNING_URL": f"{outside}/signing",
                    "PHARMACY_SIGNING_KEY": keys.signing_key,
                    "PHARMACY_SIGNING_WEBHOOK_SECRET": keys.signing_webhook_secret,
                }
            case "notifications":
                return {
                    "NOTIFICATIONS_BILLING_URL": self.url("billing"),
                    "NOTIFICATIONS_SMS_ACCOUNT_SID": keys.sms_account_sid,
                    "NOTIFICATIONS_SMS_AUTH_TOKEN": keys.sms_auth_token,
                    "NOTIFICATIONS_SMS_API_BASE": f"{outside}/sms",
                    "NOTIFICATIONS_SMS_FROM": TEXTS_FROM,
                    "NOTIFICATIONS_SMTP_HOST": "127.0.0.1",
                    "NOTIFICATIONS_SMTP_PORT": str(self.ports["smtp"]),
                    "NOTIFICATIONS_SMTP_FROM": MAIL_FROM,
                    "NOTIFICATIONS_SMTP_SECURITY": "none",
                    "NOTIFICATIONS_CLINIC_NAME": self.clinic_name[:CLINIC_NAME_MOST].strip(),
                    "NOTIFICATIONS_CLINIC_PHONE": self.clinic_phone,
                }
            case _:
                return {}

    def outside_environment(self) -> dict[str, str]:
        """Everything that the simulated outside world is told."""
        keys = self.keys
        return {
            "OUTSIDE_HTTP_PORT": str(self.ports[OUTSIDE]),
            "OUTSIDE_SMTP_PORT": str(self.ports["smtp"]),
            "OUTSIDE_CLOCK_FILE": str(self.clock_file),
            "OUTSIDE_STRIPE_KEY": keys.stripe_key,
            "OUTSIDE_STRIPE_PUBLISHABLE_KEY": keys.stripe_publishable_key,
            "OUTSIDE_STRIPE_WEBHOOK_SECRET": keys.stripe_webhook_secret,
            "OUTSIDE_STRIPE_WEBHOOK_URL": f"{self.url('billing')}/webhooks/stripe",
            "OUTSIDE_PHARMACY_KEY": keys.pharmacy_key,
            "OUTSIDE_PHARMACY_WEBHOOK_SECRET": keys.pharmacy_webhook_secret,
            "OUTSIDE_PHARMACY_WEBHOOK_URL": f"{self.url('pharmacy')}/webhooks/pharmacy",
            "OUTSIDE_SIGNING_KEY": keys.signing_key,
            "OUTSIDE_SIGNING_WEBHOOK_SECRET": keys.signing_webhook_secret,
            "OUTSIDE_SIGNING_WEBHOOK_URL": f"{self.url('pharmacy')}/webhooks/signing",
            "OUTSIDE_SIGNING_KNOWLEDGE": keys.signing_knowledge,
            "OUTSIDE_SIGNING_TOKEN_CODE": keys.signing_token_code,
            "OUTSIDE_SMS_ACCOUNT_SID": keys.sms_account_sid,
            "OUTSIDE_SMS_AUTH_TOKEN": keys.sms_auth_token,
        } | dict(self.extra.get(OUTSIDE, {}))
