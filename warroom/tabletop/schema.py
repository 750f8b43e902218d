"""The JSON Schema of a scenario file, for editors that complete and check while one writes.

Invariant: made from the model alone; `scenarios/schema.json` is this, and a test holds it so.
"""

from __future__ import annotations

import json
from typing import Any

from warroom.tabletop.model import Scenario


def schema() -> dict[str, Any]:
    """The schema, draft 2020-12."""
    made = Scenario.model_json_schema(by_alias=True, mode="validation")
    made["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    made["title"] = "warroom scenario, version 1"
    # A missing code is the id; the model fills it in before it looks.
    return made


def schema_text() -> str:
    """The schema as its file holds it."""
    return json.dumps(schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
