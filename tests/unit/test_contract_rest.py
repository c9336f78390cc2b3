"""The contract of REST tables: what is read, hashed and refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration.lib.contract import TableContract, load_contract_file
from orchestration.lib.errors import ContractError

GOOD = """\
version: 2
sources:
  - name: shop
    schema: raw
    description: A shop.
    config:
      meta:
        cadencia:
          {title: Shop, currency: EUR, timezone: UTC, is_live: true, reject_limit_share: 0.1,
           default_url: "https://api.example.com"}
    tables:
      - name: people
        identifier: shop__people
        description: One row per person.
        config:
          meta:
            cadencia:
              location: rest://v1/people
              format: rest
              records: data.items
              delivery: upsert
              primary_key: [person_id]
              cursor: updated_at
              rest:
                params: {per_page: 100}
                cursor_param: updated_since
                paginator: {type: json_link, next_url_path: links.next}
                auth: {type: bearer}
        columns:
          - name: person_id
            data_type: varchar
            description: Person.
            config:
              meta:
                cadencia: {is_required: true, data_class: customer_key, identifier_kind: customer_key}
          - name: updated_at
            data_type: timestamp
            description: Last change.
            config: {meta: {cadencia: {data_class: none}}}
"""


def read(folder: Path, text: str) -> TableContract:
    path = folder / "sources.yml"
    path.write_text(text)
    (system,) = load_contract_file(path)
    return system.tables[0]


def test_the_keys_become_frozen_pairs_and_part_of_the_fingerprint(tmp_path: Path) -> None:
    table = read(tmp_path, GOOD)
    assert table.rest is not None
    assert dict(table.rest.paginator) == {"type": "json_link", "next_url_path": "links.next"}
    assert dict(table.rest.params) == {"per_page": 100}
    assert hash(table) == hash(read(tmp_path, GOOD))
    changed = read(tmp_path, GOOD.replace("per_page: 100", "per_page: 50"))
    assert changed.fingerprint() != table.fingerprint()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("type: json_link", "type: telepathy", "'telepathy' is not one of"),
        ("auth: {type: bearer}", "auth: {type: bearer, token: hush}", "token"),
        ("cursor_param: updated_since", "timeout_seconds: 5", "declare rest.cursor_param"),
        ("delivery: upsert", "delivery: snapshot", "is no snapshot"),
        ("rest://v1/people", "database://people", "a database:// location is read by"),
    ],
)
def test_what_can_not_be_meant_is_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    with pytest.raises(ContractError) as caught:
        read(tmp_path, GOOD.replace(old, new))
    assert words in str(caught.value)


def test_the_key_rest_is_for_rest_tables(tmp_path: Path) -> None:
    text = GOOD.replace("rest://v1/people", "database://people").replace(
        "format: rest", "format: database"
    )
    with pytest.raises(ContractError, match="the key rest is for format: rest"):
        read(tmp_path, text)
