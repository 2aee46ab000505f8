"""The types that the UI is written against say what the API says."""

from __future__ import annotations

import re

import msgspec
import pytest
from tests.ui.rig import ROOT

from asbru.admin import account_shapes, provider_types, record_shapes, role_routes, sessions, tool_servers
from asbru.app.api_kinds import Price
from asbru.governance.declared import Access, Team
from asbru.governance.ledger.standings import LedgerStanding
from asbru.identity import Token, User, roles
from asbru.mcp.manage import Grant
from asbru.records.rollups.overview import Figures, Group, Overview

KIT = "ui/src/kit/types.ts"
INHERITED = {"budgets", "rate_limits"}


def members(path: str, interface: str) -> set[str]:
    """The members of an interface in a file, without those of what it extends."""
    found = re.search(rf"^export interface {interface}\b[^{{]*{{\n(.*?)^}}", (ROOT / path).read_text(), re.M | re.S)
    assert found is not None, f"there is no {interface} in {path}"
    return set(re.findall(r"^  (\w+)\??:", found[1], re.M))


@pytest.mark.parametrize(
    ("path", "interface", "shape", "left_out"),
    [
        (KIT, "VirtualKey", Access, INHERITED),
        (KIT, "Team", Team, {*INHERITED, "record_bodies"}),
        (KIT, "Standing", LedgerStanding, set[str]()),
        (
            KIT,
            "CallRecord",
            record_shapes.RecordSummary,
            {"attempt_log", "tags", "standard", "reasoning_known"},
        ),
        ("ui/src/kit/provider-types.ts", "ProviderType", provider_types.ProviderType, set[str]()),
        ("ui/src/kit/provider-types.ts", "TypeField", provider_types.TypeField, set[str]()),
        ("ui/src/kit/provider-types.ts", "TypeAccess", provider_types.TypeAccess, set[str]()),
        ("ui/src/pages/prices/price.ts", "Price", Price, set[str]()),
        ("ui/src/pages/account/sessions.tsx", "Session", account_shapes.MySession, set[str]()),
        ("ui/src/pages/sessions/types.ts", "AgentSession", sessions.AgentSession, set[str]()),
        ("ui/src/pages/users/types.ts", "User", User, set[str]()),
        ("ui/src/pages/users/types.ts", "Token", Token, set[str]()),
        ("ui/src/pages/users/types.ts", "Role", roles.Role, set[str]()),
        ("ui/src/pages/users/permissions.ts", "Permission", role_routes.Permission, set[str]()),
        ("ui/src/pages/records/types.ts", "Attempt", record_shapes.AttemptDetail, set[str]()),
        ("ui/src/pages/mcp/types.ts", "ToolServerSummary", tool_servers.ToolServerSummary, set[str]()),
        ("ui/src/pages/mcp/types.ts", "Grant", Grant, set[str]()),
        ("ui/src/pages/overview/types.ts", "Sums", Figures, set[str]()),
        ("ui/src/pages/overview/types.ts", "Group", Group, set[str]()),
        ("ui/src/pages/overview/types.ts", "Overview", Overview, set[str]()),
    ],
)
def test_an_interface_has_the_members_of_its_shape(
    path: str, interface: str, shape: type[msgspec.Struct], left_out: set[str]
) -> None:
    """No member more and none less, but for those that no page shows."""
    assert members(path, interface) == set(shape.__struct_fields__) - left_out
