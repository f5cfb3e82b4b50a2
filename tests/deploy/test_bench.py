"""The benchmark's people are such as enrolment takes, however many there are."""

from datetime import date

from deploy.bench.school import nominee
from services.enrolment.domain.nip import Nip, read_nip


def test_every_nominee_of_a_long_run_has_a_number_of_their_own_that_can_be() -> None:
    """Whatever the leg, no number repeats and none is impossible."""
    numbers = [nominee(number)["nip"] for number in range(0, 200_000, 7)]

    assert len(set(numbers)) == len(numbers)
    assert all(isinstance(read_nip(each, "PNS", date(2024, 2, 1)), Nip) for each in numbers)
