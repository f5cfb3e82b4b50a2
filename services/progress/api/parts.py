"""What the routes of progress share: who is admitted, and the shapes of ids."""

from typing import Annotated

from fastapi import Depends, Path
from pydantic import Field

from services.progress.store import ProgressWork
from shared.store.works import Works
from shared.web.identity import Access, allow
from shared.web.parts import works

ProgressWorks = Annotated[Works[ProgressWork], Depends(works)]
Organiser = Annotated[Access, allow("organiser")]
Gives = Annotated[Access, allow("organiser", "mentor", "coach", "examiner")]
SeesRecords = Annotated[
    Access,
    allow(
        "organiser", "auditor", "nominator", "endorser", "mentor", "coach", "examiner", "learner"
    ),
]
SeesCohorts = Annotated[
    Access, allow("organiser", "auditor", "nominator", "endorser", "mentor", "coach", "examiner")
]
SeesPeople = Annotated[Access, allow("organiser", "auditor", "nominator", "endorser")]
SeesPassports = Annotated[Access, allow("organiser", "auditor", "nominator", "endorser", "learner")]
Learner = Annotated[Access, allow("learner")]

_id = Field(min_length=1, max_length=100)
EnrolmentId = Annotated[str, _id]
LearnerId = Annotated[str, _id]
EnrolmentPath = Annotated[str, Path(min_length=1, max_length=100)]
CohortPath = Annotated[str, Path(min_length=1, max_length=100)]
LearnerPath = Annotated[str, Path(min_length=1, max_length=100)]
AgencyPath = Annotated[str, Path(pattern=r"^[0-9]{2}(\.[0-9]{2})?(/[a-z0-9-]{1,40})?$")]
