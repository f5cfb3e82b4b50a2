"""The service's HTTP doors."""

from services.enrolment.api.abroad import router as abroad
from services.enrolment.api.agreements import router as agreements
from services.enrolment.api.cohorts import router as cohorts
from services.enrolment.api.enrolments import router as enrolments
from services.enrolment.api.learners import router as learners
from services.enrolment.api.offers import router as offers
from services.enrolment.api.programmes import router as programmes
from services.enrolment.api.rosters import router as rosters
from services.enrolment.api.staff import router as staff

ROUTERS = (programmes, cohorts, rosters, enrolments, learners, staff, agreements, offers, abroad)
