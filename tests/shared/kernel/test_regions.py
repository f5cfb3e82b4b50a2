"""Region codes are known by their province."""

import pytest

from shared.kernel.regions import is_agency, is_region, province_name, provinces


def test_all_provinces_are_known() -> None:
    """There are 38 provinces, each with a code of two digits."""
    assert len(provinces()) == 38
    assert all(len(code) == 2 and code.isdigit() and name for code, name in provinces().items())


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("35", "Jawa Timur"),
        ("35.73", "Jawa Timur"),
        ("62", "Kalimantan Tengah"),
        ("96", "Papua Barat Daya"),
    ],
)
def test_a_region_lies_in_its_province(code: str, name: str) -> None:
    """A province is named by its own code and by those of its cities and regencies."""
    assert is_region(code)
    assert name == province_name(code)


@pytest.mark.parametrize(
    "code",
    ["", "3", "99", "00", "35.", "35.7", "35.00", "35.731", "3573", "35.73\n", "٣٥", "35/x", "XX"],
)
def test_what_is_no_code_is_no_region(code: str) -> None:
    """A code of another form, or of no province, names no region."""
    assert not is_region(code)
    assert province_name(code) is None


@pytest.mark.parametrize("code", ["35", "35.73", "35.73/dinas-kesehatan", "35/bpsdm"])
def test_an_agency_is_a_region_or_an_office_in_it(code: str) -> None:
    """An agency's code is its region's, with the office after a slash where there is one."""
    assert is_agency(code)


@pytest.mark.parametrize(
    "code", ["", "99.73", "35.73/", "35.73/Dinas", "35.73/a/b", f"35/{'a' * 41}"]
)
def test_what_is_no_code_is_no_agency(code: str) -> None:
    """An office needs a known region and a short name in small letters."""
    assert not is_agency(code)
