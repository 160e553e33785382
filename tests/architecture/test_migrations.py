"""Every service's migrations are one chain: whoever adds one stands at its end."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from deploy.catalogue.contracts import ROOT

CHAINS = [
    ROOT / "shared" / "migrations",
    *sorted(path.parent for path in (ROOT / "services").glob("*/migrations/env.py")),
]


@pytest.mark.parametrize("chain", CHAINS, ids=lambda path: path.parent.name)
def test_migrations_are_one_chain(chain: Path) -> None:
    assert len(ScriptDirectory(str(chain)).get_heads()) == 1
