"""The professionals of the region; all names are invented."""

from examples.region.data.administration import Professional
from examples.region.data.codes import GENERAL_PRACTITIONER, NURSE
from examples.region.patients import Family

HUISARTS = Professional(
    key="arts-01",
    initials="M.J.",
    family=Family(own_name="Verhoef"),
    title="Huisarts",
    role=GENERAL_PRACTITIONER,
    uzi="900001011",
)
PRAKTIJKVERPLEEGKUNDIGE = Professional(
    key="poh-01",
    initials="S.",
    family=Family(own_name="Bakel", own_prefix="van"),
    title="Praktijkverpleegkundige",
    role=NURSE,
    uzi="900001012",
)
WIJKVERPLEEGKUNDIGE = Professional(
    key="wijk-01",
    initials="F.",
    family=Family(own_name="Terpstra"),
    title="Wijkverpleegkundige",
    role=NURSE,
    uzi="900001021",
)
VERZORGENDE = Professional(
    key="wijk-02",
    initials="D.E.",
    family=Family(own_name="Pinas"),
    title="Verzorgende IG",
    uzi="900001022",
)
CARDIOLOOG = Professional(
    key="spec-01", initials="R.", family=Family(own_name="Steenwijk"), title="Cardioloog", uzi="900001031"
)
LONGARTS = Professional(
    key="spec-02",
    initials="H.A.",
    family=Family(own_name="Ooijen", own_prefix="van"),
    title="Longarts",
    uzi="900001032",
)
PSYCHIATER = Professional(
    key="beh-01", initials="N.", family=Family(own_name="Osinga"), title="Psychiater", uzi="900001041"
)
APOTHEKER = Professional(
    key="apo-01", initials="L.", family=Family(own_name="Quist"), title="Apotheker", uzi="900001051"
)
