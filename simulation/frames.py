"""The frames between the engine and the writers: columns, types and what each one means.

Conventions and schemas only. How rows come about is `engine` and `behaviour`; how a system
delivers them, with its faults, is the writers' matter.

Conventions
-----------
- Times are naive wall-clock times of Europe/Madrid (``datetime64[us]``); `simulation.clock` turns
  them into UTC and offsets. Nothing happens in the hour that summer time skips or repeats.
- Identifiers are integers; a writer formats them. An absent reference is ``NO_ID`` (-1), an absent
  time ``NaT``, an absent text ``<NA>``.
- ``item_id``, ``product_id``, ``model_id``, ``store_id``, ``dealer_id``, ``content_id`` are row
  positions in the frames of the market, so ``market.items["sku"].array[lines["item_id"]]`` works.
- ``person_id`` is the row position in ``market.people`` (-1: nobody of the market).
- Amounts are euros with VAT, rounded to cents.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

NO_ID: Final = -1

BOOLEAN: Final = "bool"
CATEGORY: Final = "category"
COUNT: Final = "int32"
IDENTIFIER: Final = "int64"
REAL: Final = "float64"
TEXT: Final = "string[pyarrow]"
TIME: Final = "datetime64[us]"


@dataclass(frozen=True)
class FrameSchema:
    """The columns of one frame, in order.

    Parameters
    ----------
    name
        The frame's name.
    grain
        What one row is.
    columns
        Column name to pandas type.
    """

    name: str
    grain: str
    columns: Mapping[str, str]

    def empty(self) -> pd.DataFrame:
        """Return the frame without rows."""
        return pd.DataFrame(
            {name: pd.Series([], dtype=dtype) for name, dtype in self.columns.items()}
        )

    def build(self, columns: Mapping[str, Any]) -> pd.DataFrame:
        """Return a frame of exactly these columns and types.

        Raises
        ------
        ValueError
            When columns are missing or unknown; the message names them.
        """
        missing = [name for name in self.columns if name not in columns]
        unknown = [name for name in columns if name not in self.columns]
        if missing or unknown:
            raise ValueError(f"Frame {self.name}: missing {missing}, unknown {unknown}.")
        typed = {name: _typed(columns[name], dtype) for name, dtype in self.columns.items()}
        return pd.DataFrame(typed, copy=False)


def _typed(values: Any, dtype: Any) -> Any:  # noqa: ANN401 - arrays, series or Arrow data
    if isinstance(values, np.ndarray) and dtype not in (CATEGORY, TEXT):
        return values.astype(dtype, copy=False)
    return pd.Series(values, copy=False).astype(dtype, copy=False).array


def concatenate(schema: FrameSchema, parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Put frames of one schema one below the other; categories are united."""
    kept = [part for part in parts if len(part)]
    if not kept:
        return schema.empty()
    if len(kept) == 1:
        return kept[0].reset_index(drop=True)
    return schema.build(
        {
            name: (
                pd.api.types.union_categoricals([part[name] for part in kept])
                if dtype == CATEGORY
                else pd.concat([part[name] for part in kept], ignore_index=True)
            )
            for name, dtype in schema.columns.items()
        }
    )


def categorical(codes: NDArray[Any], labels: Iterable[str]) -> pd.Categorical:
    """Return labels by code; -1 stands for none."""
    # The stubs know lists of integers only.
    positions: Any = codes
    return pd.Categorical.from_codes(positions, categories=pd.Index(list(labels), dtype=object))


def constant(label: str | None, size: int) -> pd.Categorical:
    """Return one label ``size`` times; None stands for no label."""
    return categorical(np.full(size, NO_ID if label is None else 0), [label or "none"])


_ADDRESS: Final[Mapping[str, str]] = {
    "street_type": CATEGORY,  # Calle, Avenida, Plaza, Carretera, Camino, Urbanización, ...
    "street_name": CATEGORY,  # with its article: Mayor, de la Constitución
    "street_number": CATEGORY,  # 12 | 12 bis | s/n | km 3,5
    "staircase": CATEGORY,  # 2, or absent
    "floor": CATEGORY,  # Bajo | Entresuelo | 1º ... | Ático, or absent (houses)
    "door": CATEGORY,  # A | Izda. | Dcha. | Centro | 2ª, or absent
    "postal_code": CATEGORY,
    "municipality_code": CATEGORY,
    "municipality_name": CATEGORY,
    "province_code": CATEGORY,
    "province_name": CATEGORY,
}

PEOPLE: Final = FrameSchema(
    "people",
    "a person of the market, children included, sorted by household",
    {
        "person_id": IDENTIFIER,
        "household_id": IDENTIFIER,
        "household_role": CATEGORY,  # adult_1 | adult_2 | child | grandparent | flatmate
        "given_name": CATEGORY,
        "surname_1": CATEGORY,
        "surname_2": CATEGORY,  # absent for many foreigners
        "gender": CATEGORY,  # F | M
        "birth_date": TIME,
        "national_id": TEXT,  # valid NIF or NIE, unique
        "is_foreign": BOOLEAN,
        "email": TEXT,  # lower case, or absent
        "is_email_shared": BOOLEAN,  # the e-mail belongs to another member of the household
        "mobile": TEXT,  # 9 digits, or absent
        "is_mobile_shared": BOOLEAN,
        "landline": TEXT,  # 9 digits; the household's, or absent
        **_ADDRESS,
        "moved_on": TIME,  # the household lives at next_* from this day on
        **{f"next_{name}": dtype for name, dtype in _ADDRESS.items()},
        "email_changed_on": TIME,
        "next_email": TEXT,
        # Numbers a person has, or would get on joining; `new_members` says who joins and when.
        "erp_code": IDENTIFIER,  # CODCLI, 7 digits
        "card_number": IDENTIFIER,  # loyalty card, 13 digits, NO_ID: never takes one
        "home_store_id": IDENTIFIER,
        "shopify_id": IDENTIFIER,  # 13 digits
        "dms_no": IDENTIFIER,  # 6 to 8 digits
        "home_dealer_id": IDENTIFIER,
        # What the person ticks on joining a system; later changes are `consent_events`.
        "accepts_email": BOOLEAN,
        "accepts_sms": BOOLEAN,
        "accepts_postal": BOOLEAN,
        "accepts_phone": BOOLEAN,
        # Day of entry in the national opt-out list by kind, or NaT.
        "robinson_email_on": TIME,
        "robinson_phone_on": TIME,
        "robinson_national_id_on": TIME,
    },
)

ITEMS: Final = FrameSchema(
    "items",
    "a supermarket article",
    {
        "item_id": IDENTIFIER,
        "sku": TEXT,  # CODART
        "description": TEXT,
        "department": CATEGORY,  # FAMILIA
        "category": CATEGORY,  # SUBFAMILIA
        "brand": CATEGORY,
        "price": REAL,  # at the start date, with VAT
        "cost": REAL,
        "vat_rate": COUNT,  # 4, 10, 21
        "ean": TEXT,  # 13 digits, valid check digit
        "unit": CATEGORY,  # UD | KG
        "listed_on": TIME,  # FECHA_ALTA; may lie after the start date
        "delisted_on": TIME,  # ACTIVO = N from this day on
    },
)

STORES: Final = FrameSchema(
    "stores",
    "a supermarket",
    {
        "store_id": IDENTIFIER,
        "name": TEXT,
        **_ADDRESS,
        "phone": TEXT,
        "opened_on": TIME,
    },
)

DEALERS: Final = FrameSchema(
    "dealers",
    "a car dealer",
    {"dealer_id": IDENTIFIER, "name": TEXT, **_ADDRESS, "phone": TEXT},
)

PRODUCTS: Final = FrameSchema(
    "products",
    "an electronics product, main or accessory",
    {
        "product_id": IDENTIFIER,
        "sku": TEXT,
        "title": TEXT,
        "category": CATEGORY,  # smartphones, laptops, ..., accessories by kind
        "kind": CATEGORY,  # main | accessory | consumable
        "vendor": CATEGORY,
        "price": REAL,
        "compare_at_price": REAL,  # NaN without a strike-through price
        "weight_g": COUNT,
        "inventory": COUNT,
        "barcode": TEXT,
        "listed_on": TIME,
        "attributes": TEXT,  # screen=55;color=negro
        "compatible_skus": TEXT,  # accessories: SKU|SKU|..., else absent
    },
)

VEHICLE_MODELS: Final = FrameSchema(
    "vehicle_models",
    "a version of a car",
    {
        "model_id": IDENTIFIER,
        "make": CATEGORY,
        "model": CATEGORY,
        "version": CATEGORY,
        "fuel": CATEGORY,  # gasolina | diésel | híbrido | híbrido enchufable | eléctrico
        "body": CATEGORY,  # urbano | compacto | berlina | SUV | familiar | monovolumen
        "list_price": REAL,
    },
)

CONTENTS: Final = FrameSchema(
    "contents",
    "a page of the web that is no product: home, category, guide, help, campaign landing page",
    {
        "content_id": IDENTIFIER,
        "path": TEXT,
        "title": TEXT,
        "content_group": CATEGORY,  # home | category | guide | help | landing
        "category": CATEGORY,  # of the product it is about, or absent
    },
)

MUNICIPALITIES: Final = FrameSchema(
    "municipalities",
    "a municipality with its market",
    {
        "municipality_code": TEXT,
        "municipality_name": TEXT,
        "province_code": TEXT,
        "population": COUNT,
        "income_per_person": REAL,  # net, a year, at the start date's last published year
        "income_per_household": REAL,
        "is_published": BOOLEAN,  # small places are not
    },
)

TICKETS: Final = FrameSchema(
    "tickets",
    "a till ticket; refunds carry negative amounts",
    {
        "ticket_id": IDENTIFIER,
        "person_id": IDENTIFIER,  # always known here
        "card_number": IDENTIFIER,  # NO_ID: anonymous ticket
        "store_id": IDENTIFIER,
        "till": COUNT,
        "cashier": COUNT,  # number within the store
        "opened_at": TIME,
        "operation": CATEGORY,  # sale | refund
        "original_ticket_id": IDENTIFIER,
        "payment_method": CATEGORY,  # card | cash | mobile
        "total": REAL,
        "campaign_id": IDENTIFIER,  # the campaign that made it happen: truth, never delivered
    },
)

TICKET_LINES: Final = FrameSchema(
    "ticket_lines",
    "an article on a ticket, sorted by ticket, in the order of `tickets`",
    {
        "ticket_id": IDENTIFIER,
        "line": COUNT,
        "item_id": IDENTIFIER,
        "quantity": REAL,  # pieces, or kg with three decimals
        "unit_price": REAL,
        "discount": REAL,
        "amount": REAL,  # round(quantity * unit_price - discount, 2), negative on refunds
    },
)

ITEM_CHANGES: Final = FrameSchema(
    "item_changes",
    "a new price of an article, or its entry or end",
    {
        "item_id": IDENTIFIER,
        "changed_at": TIME,
        "price": REAL,
        "cost": REAL,
        "is_active": BOOLEAN,
    },
)

SHOP_ORDERS: Final = FrameSchema(
    "shop_orders",
    "an online order",
    {
        "order_id": IDENTIFIER,  # Name is #<order_id>
        "person_id": IDENTIFIER,
        "created_at": TIME,
        "fulfilled_at": TIME,  # may lie after the slice
        "subtotal": REAL,  # after discounts, without shipping
        "shipping": REAL,
        "taxes": REAL,  # contained in subtotal + shipping
        "discount": REAL,
        "total": REAL,
        "discount_code": CATEGORY,  # absent without discount
        "payment_method": CATEGORY,
        "accepts_marketing": BOOLEAN,
        "utm_source": CATEGORY,  # absent for direct traffic
        "utm_medium": CATEGORY,
        "campaign_id": IDENTIFIER,  # utm_campaign, if the visit came from a mailing
        "driving_campaign_id": IDENTIFIER,  # the campaign that made it happen: truth
        "session_id": IDENTIFIER,
        "device_id": IDENTIFIER,
    },
)

SHOP_ORDER_LINES: Final = FrameSchema(
    "shop_order_lines",
    "a product of an online order, at most one row a product",
    {
        "order_id": IDENTIFIER,
        "line": COUNT,
        "product_id": IDENTIFIER,
        "quantity": COUNT,
        "unit_price": REAL,
        "discount": REAL,  # of the line
        "serial_number": TEXT,  # main products; of the first piece
    },
)

REFUNDS: Final = FrameSchema(
    "refunds",
    "a refund of an online order of this or an earlier slice; at most one an order",
    {
        "order_id": IDENTIFIER,
        "person_id": IDENTIFIER,
        "refunded_at": TIME,
        "amount": REAL,
        "is_full": BOOLEAN,
    },
)

WEB_SESSIONS: Final = FrameSchema(
    "web_sessions",
    "a visit to the electronics web",
    {
        "session_id": IDENTIFIER,
        "device_id": IDENTIFIER,  # user_pseudo_id, one or more a person
        "person_id": IDENTIFIER,  # NO_ID: a visitor from outside the market
        "is_logged_in": BOOLEAN,  # from the first event on
        "started_at": TIME,
        "device_category": CATEGORY,  # mobile | desktop | tablet
        "operating_system": CATEGORY,
        "browser": CATEGORY,
        "source": CATEGORY,  # google | (direct) | mailing | instagram | ...
        "medium": CATEGORY,  # organic | cpc | (none) | email | sms | social | referral
        "campaign_id": IDENTIFIER,
        "province_code": CATEGORY,
        "municipality_name": CATEGORY,
    },
)

WEB_EVENTS: Final = FrameSchema(
    "web_events",
    "an event of a visit, sorted by session and time; times are distinct within a device",
    {
        "session_id": IDENTIFIER,
        "event_at": TIME,
        "event_name": CATEGORY,
        "content_id": IDENTIFIER,  # page of contents, else a product page
        "product_id": IDENTIFIER,
        "quantity": COUNT,
        "search_term": CATEGORY,
        "order_id": IDENTIFIER,  # purchase events
        "engagement_ms": COUNT,
    },
)

VEHICLES: Final = FrameSchema(
    "vehicles",
    "a vehicle as it stands after a change (the newest row a vehicle counts)",
    {
        "vehicle_id": IDENTIFIER,
        "vin": TEXT,
        "plate": TEXT,
        "model_id": IDENTIFIER,
        "model_year": COUNT,
        "registered_on": TIME,
        "is_new": BOOLEAN,
        "owner_person_id": IDENTIFIER,
        "acquired_at": TIME,
        "sold_at": TIME,  # the group knows the owner parted with it
        "odometer_km": COUNT,
        "updated_at": TIME,
    },
)

LEADS: Final = FrameSchema(
    "leads",
    "a lead as it stands after a change",
    {
        "lead_id": IDENTIFIER,
        "person_id": IDENTIFIER,
        "is_customer": BOOLEAN,  # has a customer number by updated_at
        "source": CATEGORY,  # web | store | phone | test_drive | campaign
        "model_id": IDENTIFIER,
        "dealer_id": IDENTIFIER,
        "status": CATEGORY,  # open | won | lost
        "lost_reason": CATEGORY,
        "created_at": TIME,
        "closed_at": TIME,
        "updated_at": TIME,
        "campaign_id": IDENTIFIER,
    },
)

VEHICLE_ORDERS: Final = FrameSchema(
    "vehicle_orders",
    "a vehicle order as it stands after a change",
    {
        "vehicle_order_id": IDENTIFIER,
        "person_id": IDENTIFIER,
        "vehicle_id": IDENTIFIER,
        "vin": TEXT,
        "dealer_id": IDENTIFIER,
        "lead_id": IDENTIFIER,
        "kind": CATEGORY,  # new | used
        "status": CATEGORY,  # ordered | delivered | cancelled
        "list_price": REAL,
        "discount": REAL,
        "net_price": REAL,
        "ordered_at": TIME,
        "delivered_at": TIME,
        "updated_at": TIME,
    },
)

WORKSHOP_VISITS: Final = FrameSchema(
    "workshop_visits",
    "a finished visit to a workshop",
    {
        "visit_id": IDENTIFIER,
        "vehicle_id": IDENTIFIER,
        "vin": TEXT,
        "person_id": IDENTIFIER,
        "dealer_id": IDENTIFIER,
        "kind": CATEGORY,  # maintenance | inspection | repair | tyres | recall
        "odometer_km": COUNT,
        "labour_amount": REAL,
        "parts_amount": REAL,
        "net_amount": REAL,
        "opened_at": TIME,
        "closed_at": TIME,
        "campaign_id": IDENTIFIER,  # truth
    },
)

FINANCE_CONTRACTS: Final = FrameSchema(
    "finance_contracts",
    "a finance contract as it stands after a change",
    {
        "contract_id": IDENTIFIER,
        "person_id": IDENTIFIER,
        "vehicle_id": IDENTIFIER,
        "vin": TEXT,
        "product": CATEGORY,  # lineal | balloon | renting
        "monthly_amount": REAL,
        "balloon_amount": REAL,
        "starts_on": TIME,
        "ends_on": TIME,
        "status": CATEGORY,  # active | finished | cancelled
        "updated_at": TIME,
    },
)

WARRANTIES: Final = FrameSchema(
    "warranties",
    "a warranty of a vehicle",
    {
        "warranty_id": IDENTIFIER,
        "vehicle_id": IDENTIFIER,
        "vin": TEXT,
        "kind": CATEGORY,  # manufacturer | extension
        "starts_on": TIME,
        "ends_on": TIME,
        "updated_at": TIME,
    },
)

CAMPAIGNS: Final = FrameSchema(
    "campaigns",
    "a campaign sent in the slice",
    {
        "campaign_id": IDENTIFIER,
        "channel": CATEGORY,  # email | sms
        "line": CATEGORY,  # groceries | electronics | cars
        "title": TEXT,
        "subject": TEXT,
        "sent_at": TIME,
        "category": CATEGORY,  # what it advertises, in the line's catalogue
        "offer": CATEGORY,  # none | discount | points | gift
        "discount_share": REAL,
        "content_id": IDENTIFIER,  # landing page
    },
)

MESSAGES: Final = FrameSchema(
    "messages",
    "a person of a campaign's audience: one message, or none for the control group; the times may"
    " lie after the slice (`message_events` comes slice by slice)",
    {
        "message_id": IDENTIFIER,
        "campaign_id": IDENTIFIER,
        "person_id": IDENTIFIER,
        "channel": CATEGORY,
        "is_control": BOOLEAN,  # no message went out: every time below is NaT
        "sent_at": TIME,
        "delivered_at": TIME,
        "bounced_at": TIME,
        "bounce_type": CATEGORY,  # hard | soft
        "opened_at": TIME,  # first open, machine or human
        "is_machine_open": BOOLEAN,  # the first open is a mail service's prefetch
        "human_opened_at": TIME,  # truth; the delivered files don't tell
        "open_count": COUNT,
        "clicked_at": TIME,  # first click, scanner or human
        "is_scanner_click": BOOLEAN,  # the first click is a mail scanner's
        "click_count": COUNT,
        "unsubscribed_at": TIME,
        "complained_at": TIME,
    },
)

MESSAGE_EVENTS: Final = FrameSchema(
    "message_events",
    "what happened to a message in the slice (of this slice's messages or earlier ones), by time",
    {
        "message_id": IDENTIFIER,
        "campaign_id": IDENTIFIER,
        "person_id": IDENTIFIER,
        "channel": CATEGORY,
        "action": CATEGORY,  # sent | delivered | open | click | bounce | unsub | abuse
        "bounce_type": CATEGORY,
        "occurred_at": TIME,
        "is_machine": BOOLEAN,  # a prefetch or scanner did it: truth (user agent and IP hint at it)
    },
)

CASES: Final = FrameSchema(
    "cases",
    "a case of the contact centre",
    {
        "case_id": IDENTIFIER,
        "person_id": IDENTIFIER,
        "opened_at": TIME,
        "closed_at": TIME,  # NaT: open; may lie after the slice
        "channel": CATEGORY,  # phone | email | chat | whatsapp | store
        "product_id": IDENTIFIER,  # NO_ID: not about a product
        "order_id": IDENTIFIER,
        "serial_number": TEXT,
        "purchased_at": TIME,  # of the product asked about
        "topic": CATEGORY,
        "subtopic": CATEGORY,
        "satisfaction": COUNT,  # 1 to 5, NO_ID: no answer
        "agent": COUNT,
        "description": TEXT,
    },
)

SUBMISSIONS: Final = FrameSchema(
    "submissions",
    "a form sent on one of the group's webs",
    {
        "submission_id": IDENTIFIER,
        "person_id": IDENTIFIER,
        "form_type": CATEGORY,  # newsletter|product_registration|test_drive|survey|competition
        "submitted_at": TIME,
        "device_id": IDENTIFIER,
        "content_id": IDENTIFIER,
        "product_id": IDENTIFIER,  # product_registration
        "serial_number": TEXT,
        "purchased_on": TIME,
        "is_bought_elsewhere": BOOLEAN,
        "model_id": IDENTIFIER,  # test_drive
        "dealer_id": IDENTIFIER,
        "nps": COUNT,  # survey: 0 to 10, NO_ID otherwise
        "interests": TEXT,  # survey: a|b|c
        "preferred_channel": CATEGORY,
        "household_size": COUNT,
        "has_pets": BOOLEAN,
        "accepts_email": BOOLEAN,
        "accepts_sms": BOOLEAN,
        "double_opt_in": CATEGORY,  # confirmed | pending, absent without consent
        "policy_version": CATEGORY,
    },
)

CONSENT_EVENTS: Final = FrameSchema(
    "consent_events",
    "a consent given or withdrawn after joining a system",
    {
        "person_id": IDENTIFIER,
        "system": CATEGORY,  # erp | ecommerce | dms | mailing | forms
        "purpose": CATEGORY,  # marketing | profiling
        "channel": CATEGORY,  # email | sms | postal | phone
        "is_granted": BOOLEAN,
        "occurred_at": TIME,
        "policy_version": CATEGORY,
        "double_opt_in": CATEGORY,
        "campaign_id": IDENTIFIER,  # withdrawn by the unsubscribe link of this campaign
    },
)

NEW_MEMBERS: Final = FrameSchema(
    "new_members",
    "a person who joins a system; the first slice holds those who joined before the start",
    {
        "person_id": IDENTIFIER,
        "system": CATEGORY,  # erp | ecommerce | dms | mailing
        "joined_at": TIME,
        "is_confirmed": BOOLEAN,  # mailing: double opt-in confirmed
    },
)

CHANGED_PEOPLE: Final = FrameSchema(
    "changed_people",
    "a person whose data change in the slice",
    {
        "person_id": IDENTIFIER,
        "kind": CATEGORY,  # move | email
        "changed_at": TIME,
    },
)

POTENTIAL_OUTCOMES: Final = FrameSchema(
    "potential_outcomes",
    "a person of a campaign's audience with both potential outcomes: truth",
    {
        "campaign_id": IDENTIFIER,
        "person_id": IDENTIFIER,
        "channel": CATEGORY,
        "uplift_type": CATEGORY,  # persuadable | sure_thing | lost_cause | sleeping_dog
        "p_control": "float32",
        "p_treated": "float32",
        "is_treated": BOOLEAN,
        "converted": BOOLEAN,  # the campaign made a purchase or visit happen within 7 days
        "converted_at": TIME,  # may lie after the slice
    },
)

RENEWALS: Final = FrameSchema(
    "renewals",
    "a purchase of a renewable product with the time of the next one: truth",
    {
        "person_id": IDENTIFIER,
        "line": CATEGORY,  # electronics | cars
        "category": CATEGORY,
        "bought_at": TIME,
        "next_at": TIME,  # NaT: lost for good
    },
)

LATENT: Final = FrameSchema(
    "latent",
    "a person and a line of business: truth, as of the end of the slice",
    {
        "person_id": IDENTIFIER,
        "line": CATEGORY,
        "joined_at": TIME,
        "purchase_rate_per_day": REAL,
        "regularity_k": REAL,
        "dropout_probability": REAL,
        "mean_spend": REAL,
        "archetype": CATEGORY,
        "purchases": COUNT,  # by the planted process since the start, campaigns apart
        "last_purchase_at": TIME,
        "churned_at": TIME,
        "next_purchase_at": TIME,
    },
)

TRUE_PEOPLE: Final = FrameSchema(
    "true_people",
    "a person with the traits nobody delivers: truth",
    {
        "person_id": IDENTIFIER,
        "household_id": IDENTIFIER,
        "income_index": REAL,  # 1: the country's mean
        "shops_groceries": BOOLEAN,
        "shops_electronics": BOOLEAN,
        "drives_cars": BOOLEAN,
        "open_propensity": REAL,
        "click_propensity": REAL,
        "is_machine_opener": BOOLEAN,
        "has_mail_scanner": BOOLEAN,
        "is_address_dead": BOOLEAN,
        "uplift_type_email": CATEGORY,
        "uplift_type_sms": CATEGORY,
    },
)

SERVICE_QUESTIONS: Final = FrameSchema(
    "service_questions",
    "a topic of questions after buying a product category: truth",
    {
        "category": CATEGORY,
        "topic": CATEGORY,
        "questions_per_purchase": REAL,
        "peak_days": REAL,  # mode of the gamma distribution of days since purchase
        "shape": REAL,
    },
)

MARKET_FRAMES: Final = (
    PEOPLE,
    ITEMS,
    STORES,
    DEALERS,
    PRODUCTS,
    VEHICLE_MODELS,
    CONTENTS,
    MUNICIPALITIES,
)
SLICE_FRAMES: Final = (
    TICKETS,
    TICKET_LINES,
    ITEM_CHANGES,
    SHOP_ORDERS,
    SHOP_ORDER_LINES,
    REFUNDS,
    WEB_SESSIONS,
    WEB_EVENTS,
    VEHICLES,
    LEADS,
    VEHICLE_ORDERS,
    WORKSHOP_VISITS,
    FINANCE_CONTRACTS,
    WARRANTIES,
    CAMPAIGNS,
    MESSAGES,
    MESSAGE_EVENTS,
    CASES,
    SUBMISSIONS,
    CONSENT_EVENTS,
    NEW_MEMBERS,
    CHANGED_PEOPLE,
    POTENTIAL_OUTCOMES,
    RENEWALS,
)


@dataclass(frozen=True)
class Market:
    """What stands before anything happens: the people and the offer of the three lines."""

    people: pd.DataFrame
    items: pd.DataFrame
    stores: pd.DataFrame
    dealers: pd.DataFrame
    products: pd.DataFrame
    vehicle_models: pd.DataFrame
    contents: pd.DataFrame
    municipalities: pd.DataFrame
    service_questions: pd.DataFrame
    true_people: pd.DataFrame


@dataclass(frozen=True)
class Slice:
    """What happens from ``starts_at`` to ``ends_at`` (exclusive): the frames of SLICE_FRAMES."""

    starts_at: np.datetime64
    ends_at: np.datetime64
    frames: Mapping[str, pd.DataFrame]

    def __getitem__(self, name: str) -> pd.DataFrame:
        return self.frames[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.frames)
