"""The pharmaceutical treatments of the story, by patient; the same number means the same treatment everywhere.

The number starts with the URA of the organisation that started it. Truus' anticoagulant is the story's conflict: the
cardiologist replaced acenocoumarol by apixaban on 2 November 2026, the pharmacy hands out apixaban since, and the
general practitioner's file still says acenocoumarol. These are two treatments, so nobody may merge them silently.
"""

from examples.region.data import medication as m
from examples.region.data.medication import Treatment

TRUUS_ACENOCOUMAROL = Treatment(m.ACENOCOUMAROL, "90000101.2015.0312", "Volgens schema trombosedienst")
TRUUS_APIXABAN = Treatment(m.APIXABAN, "90000103.2026.1102", "2x per dag 1 tablet", 2)
TRUUS_FUROSEMIDE = Treatment(m.FUROSEMIDE, "90000101.2019.0521", "1x per dag 1 tablet, 's ochtends")
TRUUS_BISOPROLOL = Treatment(m.BISOPROLOL, "90000101.2015.0313", "1x per dag 1 tablet")
TRUUS_METFORMIN = Treatment(m.METFORMIN, "90000101.2008.0904", "2x per dag 1 tablet, bij de maaltijd", 2)
TRUUS_PARACETAMOL = Treatment(m.PARACETAMOL, "90000101.2026.0910", "Zo nodig, tot 4x per dag 1 tablet", 4)
TRUUS_IBUPROFEN = Treatment(m.IBUPROFEN, "90000105.2026.1109", "Zo nodig 1 tablet, zelf gekocht")

JOHAN_TIOTROPIUM = Treatment(m.TIOTROPIUM, "90000101.2017.0210", "1x per dag 1 inhalatie")
JOHAN_SALBUTAMOL = Treatment(m.SALBUTAMOL, "90000101.2014.1103", "Zo nodig, tot 4x per dag 2 pufjes", 4)
JOHAN_AMLODIPINE = Treatment(m.AMLODIPINE, "90000101.2012.0607", "1x per dag 1 tablet")
JOHAN_PREDNISOLONE = Treatment(m.PREDNISOLONE, "90000103.2026.1113", "1x per dag 1 tablet, 7 dagen")
JOHAN_DOXYCYCLINE = Treatment(m.DOXYCYCLINE, "90000103.2026.1114", "Eerste dag 2 tabletten, daarna 1x per dag 1 tablet")

AICHA_SERTRALINE = Treatment(m.SERTRALINE, "90000104.2026.0317", "1x per dag 1 tablet")
AICHA_PRAZOSIN = Treatment(m.PRAZOSIN, "90000104.2026.0602", "1x per dag 1 tablet voor de nacht")
AICHA_SUMATRIPTAN = Treatment(m.SUMATRIPTAN, "90000101.2021.0415", "Bij aanval 1 tablet, zo nodig na 2 uur herhalen")

WIM_PARACETAMOL = Treatment(m.PARACETAMOL, "90000101.2024.0118", "3x per dag 2 tabletten", 3)
WIM_AMLODIPINE = Treatment(m.AMLODIPINE, "90000101.2009.0330", "1x per dag 1 tablet")
