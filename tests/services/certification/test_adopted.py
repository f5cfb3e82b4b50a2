"""A certificate of an adopted programme, or of a city's own, says whose it is."""

from services.certification.domain.dossier import Dossier
from services.certification.domain.terms import read_terms, terms_of
from shared.events.plan import Origin
from tests.support.certification import enrolled, plan


def test_a_certificate_cites_the_rules_and_whose_programme_was_adopted() -> None:
    """Where the programme is the node's own, the rules alone."""
    own = plan()
    adopted = own.model_copy(update={"origin": Origin(node="62", code="PKP", version=3)})

    assert own.rules.cites == read_terms(terms_of(own)).cites
    assert f"{own.rules.cites} (diadopsi dari / adopted from 62/PKP v3)" == (
        read_terms(terms_of(adopted)).cites
    )


def test_a_dossier_knows_whose_own_cohort_it_is_of() -> None:
    """An agency's, or the node's."""
    citys = plan().model_copy(update={"owner": "35.72"})

    assert "35.72" == Dossier("e1").hear(enrolled(plan=citys)).owner
    assert "" == Dossier("e1").hear(enrolled()).owner
