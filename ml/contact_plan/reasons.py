"""The reason codes of the decision ledger, their order and what they mean in plain words.

Belongs here: codes and how several make one text. Does not: the rules that set them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

CHILD: Final = "under_14"
MINOR: Final = "minor"
SUPPRESSED_OWN_LIST: Final = "suppressed_own_list"
SUPPRESSED_ROBINSON: Final = "suppressed_robinson"
COMPLAINED: Final = "complained"
WITHDRAWN: Final = "withdrawn"
OBJECTION_TO_PROFILING: Final = "objection_to_profiling"
NO_PROFILING_CONSENT: Final = "no_profiling_consent"
NO_THIRD_PARTIES_CONSENT: Final = "no_third_parties_consent"
CONSENT_REFUSED: Final = "consent_refused"
NO_CONSENT: Final = "no_consent"
NOT_A_CUSTOMER: Final = "not_a_customer"
NO_CONTRACT: Final = "no_contract"
UNDELIVERABLE: Final = "undeliverable"
NO_REACHABLE_CHANNEL: Final = "no_reachable_channel"
OUTSIDE_VALIDITY_WINDOW: Final = "outside_validity_window"
BRAND_NO_DISCOUNT: Final = "brand_no_discount_for_best_customers"
PLAY_COOLDOWN: Final = "play_cooldown"
VALUE_UNKNOWN: Final = "value_unknown"
VALUE_BELOW_COST: Final = "value_below_cost"
UNIVERSAL_HOLDOUT: Final = "universal_holdout"
PLAY_HOLDOUT: Final = "play_holdout"
LOWER_VALUE: Final = "lower_value_than_selected"
FREQUENCY_CAP_1D: Final = "frequency_cap_1d"
FREQUENCY_CAP_7D: Final = "frequency_cap_7d"
FREQUENCY_CAP_30D: Final = "frequency_cap_30d"
CHANNEL_CAPACITY: Final = "channel_capacity"
SELECTED: Final = "selected"

# The law comes first: what forbids the person, then the channel, then what is missing.
LEGAL_REASONS: Final = (
    CHILD,
    MINOR,
    SUPPRESSED_OWN_LIST,
    SUPPRESSED_ROBINSON,
    COMPLAINED,
    WITHDRAWN,
    OBJECTION_TO_PROFILING,
    NO_PROFILING_CONSENT,
    NO_THIRD_PARTIES_CONSENT,
    CONSENT_REFUSED,
    NO_CONSENT,
    NOT_A_CUSTOMER,
    NO_CONTRACT,
)
SUPPRESSION_REASONS: Final = (
    *LEGAL_REASONS,
    UNDELIVERABLE,
    NO_REACHABLE_CHANNEL,
    OUTSIDE_VALIDITY_WINDOW,
    BRAND_NO_DISCOUNT,
    PLAY_COOLDOWN,
    VALUE_UNKNOWN,
    VALUE_BELOW_COST,
)
DEFERRAL_REASONS: Final = (
    LOWER_VALUE,
    FREQUENCY_CAP_1D,
    FREQUENCY_CAP_7D,
    FREQUENCY_CAP_30D,
    CHANNEL_CAPACITY,
)
# What can happen to a candidate that no suppression rule stopped.
DECISION_REASONS: Final = (UNIVERSAL_HOLDOUT, PLAY_HOLDOUT, SELECTED, *DEFERRAL_REASONS)

EXPLANATIONS: Final[Mapping[str, str]] = {
    CHILD: "The customer is under 14: no advertising and no profiling at all.",
    MINOR: "The customer is not of age for advertising.",
    SUPPRESSED_OWN_LIST: "The customer asked us not to be contacted (our own suppression list).",
    SUPPRESSED_ROBINSON: "The customer is on an opt-out list (Lista Robinson).",
    COMPLAINED: "The customer reported a message as unwanted.",
    WITHDRAWN: "The customer withdrew consent or unsubscribed, in at least one system.",
    OBJECTION_TO_PROFILING: "The customer objected to profiling, which this play does.",
    NO_PROFILING_CONSENT: "The play needs consent to profiling, and there is none.",
    NO_THIRD_PARTIES_CONSENT: "The play needs consent to third parties' offers, and there is none.",
    CONSENT_REFUSED: "The customer was asked for consent and did not give or confirm it.",
    NO_CONSENT: "The play's legal basis for the channel is consent, and there is none.",
    NOT_A_CUSTOMER: "Without consent only customers may be contacted, and this person never bought.",
    NO_CONTRACT: "The message needs a running contract, and there is none.",
    UNDELIVERABLE: "The address came back as undeliverable.",
    NO_REACHABLE_CHANNEL: "The customer has no contact point for any channel of the play.",
    OUTSIDE_VALIDITY_WINDOW: "The play is not due yet, or would arrive after it has expired.",
    BRAND_NO_DISCOUNT: "The best customers get exclusivity, never a discount.",
    PLAY_COOLDOWN: "The customer got this play too short a time ago.",
    VALUE_UNKNOWN: "The play gives no expected order value for this customer.",
    VALUE_BELOW_COST: "The contact would cost as much as it is expected to earn, or more.",
    UNIVERSAL_HOLDOUT: "The customer is in the control group that no play contacts.",
    PLAY_HOLDOUT: "The customer is in the control group of this play.",
    LOWER_VALUE: "Another contact on this day is worth more.",
    FREQUENCY_CAP_1D: "An earlier plan already has the contacts that are allowed that day.",
    FREQUENCY_CAP_7D: "The customer has had the contacts that are allowed in 7 days.",
    FREQUENCY_CAP_30D: "The customer has had the contacts that are allowed in 30 days.",
    CHANNEL_CAPACITY: "The channel is full that day with contacts that are worth more.",
    SELECTED: "The contact is in the plan.",
}

# The same for the people who work with the plan in Spain.
EXPLANATIONS_ES: Final[Mapping[str, str]] = {
    CHILD: "El cliente es menor de 14 años: ni publicidad ni elaboración de perfiles.",
    MINOR: "El cliente es menor de edad para recibir publicidad.",
    SUPPRESSED_OWN_LIST: "El cliente nos pidió que no le contactáramos (lista de exclusión propia).",
    SUPPRESSED_ROBINSON: "El cliente está en una lista de exclusión publicitaria (Lista Robinson).",
    COMPLAINED: "El cliente marcó un mensaje como no deseado.",
    WITHDRAWN: "El cliente retiró su consentimiento o se dio de baja en al menos un sistema.",
    OBJECTION_TO_PROFILING: "El cliente se opuso a la elaboración de perfiles que esta acción usa.",
    NO_PROFILING_CONSENT: "La acción exige consentimiento para perfilar y no lo hay.",
    NO_THIRD_PARTIES_CONSENT: "La acción exige consentimiento para ofertas de terceros y no lo hay.",
    CONSENT_REFUSED: "Se pidió consentimiento al cliente y no lo dio o no lo confirmó.",
    NO_CONSENT: "La base jurídica del canal es el consentimiento y no lo hay.",
    NOT_A_CUSTOMER: "Sin consentimiento solo se contacta con clientes, y esta persona no ha comprado.",
    NO_CONTRACT: "El mensaje exige un contrato vigente y no lo hay.",
    UNDELIVERABLE: "La dirección fue devuelta: no se puede entregar.",
    NO_REACHABLE_CHANNEL: "El cliente no tiene datos de contacto para ningún canal de la acción.",
    OUTSIDE_VALIDITY_WINDOW: "La acción aún no toca, o llegaría cuando ya ha caducado.",
    BRAND_NO_DISCOUNT: "A los mejores clientes se les da exclusividad, nunca un descuento.",
    PLAY_COOLDOWN: "El cliente recibió esta acción hace demasiado poco.",
    VALUE_UNKNOWN: "La acción no da un valor de pedido esperado para este cliente.",
    VALUE_BELOW_COST: "El contacto costaría lo mismo o más de lo que se espera ganar.",
    UNIVERSAL_HOLDOUT: "El cliente está en el grupo de control al que no se contacta nunca.",
    PLAY_HOLDOUT: "El cliente está en el grupo de control de esta acción.",
    LOWER_VALUE: "Otro contacto de ese día vale más.",
    FREQUENCY_CAP_1D: "Un plan anterior ya tiene los contactos permitidos ese día.",
    FREQUENCY_CAP_7D: "El cliente ya ha tenido los contactos permitidos en 7 días.",
    FREQUENCY_CAP_30D: "El cliente ya ha tenido los contactos permitidos en 30 días.",
    CHANNEL_CAPACITY: "El canal está completo ese día con contactos que valen más.",
    SELECTED: "El contacto está en el plan.",
}


def combine_reasons(
    codes: Sequence[str], flags: Mapping[str, NDArray[np.bool_]], rows: int
) -> NDArray[np.object_]:
    """Write the codes that apply to each row, comma separated and in the order of `codes`.

    Parameters
    ----------
    codes
        Codes in order of precedence, at most 60.
    flags
        For each code, whether it applies to a row. Codes without flags apply to no row.
    rows
        Number of rows, also when there are no flags.

    Returns
    -------
    numpy.ndarray
        One text a row, empty where no code applies.
    """
    # One integer a row instead of texts: few combinations occur, so texts are made once for each.
    bits = np.zeros(rows, dtype=np.int64)
    for position, code in enumerate(codes):
        if code in flags:
            bits |= flags[code].astype(np.int64) << position
    distinct, inverse = np.unique(bits, return_inverse=True)
    texts = np.empty(len(distinct), dtype=object)
    for index, pattern in enumerate(distinct.tolist()):
        texts[index] = ",".join(code for i, code in enumerate(codes) if pattern >> i & 1)
    combined: NDArray[np.object_] = texts[inverse]
    return combined
