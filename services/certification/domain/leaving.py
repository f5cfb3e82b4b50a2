"""What a node's dossiers tell when a person's record moves to another home."""

from services.certification.domain.cards import Card
from services.certification.domain.dossier import Certificate, Dossier
from services.certification.domain.issuing import state_again
from shared.events.certification import CertificateEnded, CertificatesTold
from shared.kernel.values import replace

Moved = tuple[Dossier, list[CertificatesTold]]


def follow(dossier: Dossier, card: Card, node: str, public_url: str) -> Moved:
    """Let what is stated from now on go to the person's new home, and tell it what was certified so far.

    Only the old home tells; another host has told as it went.
    """
    home, terms = card.home, dossier.known_terms
    if not home or dossier.home_node == home:
        return dossier, []
    moved = replace(dossier, home_node=home)
    if not card.next_home(node) or terms is None or not dossier.certificates:
        return moved, []
    certified = tuple(
        state_again(moved, terms, each, f"{public_url}/verify/{each.code}")
        for each in dossier.certificates
    )
    fact = CertificatesTold(
        learner_id=dossier.learner_id,
        at=max(each.at for each in dossier.certificates),
        home_node=node,
        to_node=home,
        enrolment_id=dossier.id,
        certified=certified,
        ended=tuple(_ended(each) for each in dossier.certificates if each.state != "live"),
        signed=tuple(each.revision for each in dossier.certificates if each.signature),
    )
    return moved, [fact]


def _ended(certificate: Certificate) -> CertificateEnded:
    return CertificateEnded.model_validate(
        {
            "revision": certificate.revision,
            "number": certificate.number,
            "state": certificate.state,
            "reason": certificate.reason,
            "by_number": certificate.superseded_by or "",
        }
    )
