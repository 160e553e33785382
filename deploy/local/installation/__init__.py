"""The whole practice on one machine: servers, services, the outside world, and one clock.

`Installation` starts it in parallel, keeps it running and leaves nothing behind. It is for
development, demonstrations and tests; production runs on `deploy/compose.yaml` or Kubernetes.
"""

from __future__ import annotations

from deploy.local.installation.errors import Trouble
from deploy.local.installation.installation import Installation
from deploy.local.installation.plan import SERVICES, Plan
from deploy.local.installation.state import State

__all__ = ["SERVICES", "Installation", "Plan", "State", "Trouble"]
