"""Which column plays which role: as told, and guessed by name."""

import pytest

from benchmarks.identity.roles import MappingError, guess_map, parse_map, role_named

FEBRL = [
    "given_name", "surname", "street_number", "address_1", "address_2", "suburb", "postcode", "state",
    "date_of_birth", "soc_sec_id",
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("first_name", "given_name"),
        ("Forename", "given_name"),
        ("LastName", "surname"),
        ("surname_2", "surname"),
        ("dob", "birth_date"),
        ("Date of Birth", "birth_date"),
        ("soc_sec_id", "national_id"),
        ("NIF", "national_id"),
        ("address_1", "street"),
        ("Address Line 2", "street"),
        ("E-mail", "email"),
        ("phone2", "phone"),
        ("Zip", "postal_code"),
        ("postcode_fake", "postal_code"),
        ("suburb", "city"),
        ("sex", "gender"),
        ("birth_place", "other"),
        ("Site name", "full_name"),
        ("shoe size", None),
    ],
)
def test_names_of_roles(name: str, role: str | None) -> None:
    assert role_named(name) == role


class TestAsTold:
    def test_several_columns_and_unknown_roles(self) -> None:
        fields = parse_map(
            ["forename=given_name,surname=surname", "street=street_number+address_1,ward=suburb"],
            FEBRL,
        )
        assert fields == {
            "given_name": ["given_name"],
            "surname": ["surname"],
            "street": ["street_number", "address_1"],
            "other": ["suburb"],
        }

    def test_a_role_told_twice_takes_both_columns(self) -> None:
        fields = parse_map(["address_1=address_1,address_2=address_2,address_1=address_1"], FEBRL)
        assert fields == {"street": ["address_1", "address_2"]}

    def test_columns_with_spaces_commas_signs_and_other_case(self) -> None:
        columns = ["Site name", "Street, no.", "a+b", "ZIP"]
        fields = parse_map(["name=site name,street=Street, no.,other=a+b,zip=zip"], columns)
        assert fields == {
            "full_name": ["Site name"],
            "street": ["Street, no."],
            "other": ["a+b"],
            "postal_code": ["ZIP"],
        }

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("dob", "'dob' is not role=column"),
            ("dob=", "'dob=' is not role=column"),
            ("=dob", "is not role=column"),
            ("dob=birthday", "no column 'birthday'; it has given_name, surname"),
            ("street=address_1+address_9", "no column 'address_9'"),
            (",", "names no column"),
        ],
    )
    def test_what_cannot_be_followed_is_named(self, text: str, message: str) -> None:
        with pytest.raises(MappingError, match=message.replace("+", r"\+")):
            parse_map([text], FEBRL)


class TestGuessed:
    def test_febrl(self) -> None:
        fields, left_out = guess_map(FEBRL)
        assert fields == {
            "given_name": ["given_name"],
            "surname": ["surname"],
            "street": ["street_number", "address_1", "address_2"],
            "city": ["suburb"],
            "postal_code": ["postcode"],
            "province": ["state"],
            "birth_date": ["date_of_birth"],
            "national_id": ["soc_sec_id"],
        }
        assert left_out == []

    def test_historical_people(self) -> None:
        fields, left_out = guess_map(
            ["full_name", "first_and_surname", "first_name", "surname", "dob", "birth_place",
             "postcode_fake", "gender", "occupation"]
        )  # fmt: skip
        assert fields["full_name"] == ["full_name"]
        assert fields["other"] == ["birth_place", "occupation"]
        assert left_out == ["first_and_surname"]

    def test_keys_sources_and_labels_are_left_out_unknown_columns_are_compared(self) -> None:
        fields, left_out = guess_map(["Source", "cluster_2", "household", "Name", "shoe size"])
        assert fields == {"full_name": ["Name"], "other": ["shoe size"]}
        assert left_out == ["Source", "cluster_2", "household"]

    def test_longer_names(self) -> None:
        fields, _ = guess_map(
            ["customer first name", "contactEmail", "home_phone_nr", "billing_city"]
        )
        assert list(fields) == ["given_name", "email", "phone", "city"]

    def test_nothing_to_compare(self) -> None:
        with pytest.raises(MappingError, match=r"looks comparable \(id, source\)"):
            guess_map(["id", "source"])
