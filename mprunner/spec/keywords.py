"""What a key's validator demands, said in JSON Schema's words beside it; validation takes no notice of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ConfigDict, GetJsonSchemaHandler
from pydantic_core import CoreSchema

KEYS = ConfigDict(strict=True, extra="forbid", frozen=True)
"""How the keys of an experiment file are checked: no other types than their own, and no unknown key."""

SCALAR_TYPES = ["boolean", "number", "string", "null"]
"""JSON Schema's types of what a param can be."""

VALUE_TYPES = SCALAR_TYPES[:-1]
"""The same without null: what something observed can be compared with."""


@dataclass(frozen=True, slots=True)
class Keywords:
    """An annotation: keywords for the JSON Schema of the type that it annotates, besides those that pydantic knows.

    Attributes:
        keywords: such as ``{"minItems": 1}``.
    """

    keywords: Mapping[str, Any]

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(core), **self.keywords}
