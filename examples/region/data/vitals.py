"""Measurements: vital signs and laboratory results, as Observations."""

from collections.abc import Iterable

from examples.region.data import codes
from examples.region.data.administration import Professional, practitioner
from examples.region.data.codes import Code, observation_category
from examples.region.data.dossier import Dossier
from examples.region.data.elements import Json, concept, moment, quantity, reference


def blood_pressure(
    dossier: Dossier, at: str, systolic: int, diastolic: int, *, by: Professional, note: str | None = None
) -> Json:
    """Add a blood pressure in mm[Hg]."""
    parts = [(codes.SYSTOLIC, systolic), (codes.DIASTOLIC, diastolic)]
    return _vital_sign(
        dossier,
        "bp",
        codes.BLOOD_PRESSURE,
        at,
        by=by,
        profile=dossier.profile(r4="nl-core-BloodPressure", stu3="zib-BloodPressure"),
        note=note,
        component=[{"code": concept(code), "valueQuantity": quantity(value, "mm[Hg]")} for code, value in parts],
    )


def weight(dossier: Dossier, at: str, kilograms: float, *, by: Professional, note: str | None = None) -> Json:
    """Add a body weight in kg."""
    profile = dossier.profile(r4="nl-core-BodyWeight", stu3="zib-BodyWeight")
    value = quantity(kilograms, "kg")
    return _vital_sign(dossier, "weight", codes.WEIGHT, at, by=by, profile=profile, note=note, valueQuantity=value)


def height(dossier: Dossier, at: str, centimetres: int, *, by: Professional) -> Json:
    """Add a body height in cm."""
    profile = dossier.profile(r4="nl-core-BodyHeight", stu3="zib-BodyHeight")
    value = quantity(centimetres, "cm")
    return _vital_sign(dossier, "height", codes.HEIGHT, at, by=by, profile=profile, valueQuantity=value)


def temperature(dossier: Dossier, at: str, celsius: float, *, by: Professional) -> Json:
    """Add a body temperature in degrees Celsius."""
    profile = dossier.profile(r4="nl-core-BodyTemperature", stu3="zib-BodyTemperature")
    value = quantity(celsius, "Cel")
    return _vital_sign(dossier, "temp", codes.TEMPERATURE, at, by=by, profile=profile, valueQuantity=value)


def pulse(dossier: Dossier, at: str, per_minute: int, *, by: Professional) -> Json:
    """Add a heart rate per minute."""
    profile = dossier.profile(r4="nl-core-PulseRate", stu3="zib-PulseRate")
    value = quantity(per_minute, "/min")
    return _vital_sign(dossier, "pulse", codes.PULSE, at, by=by, profile=profile, valueQuantity=value)


def saturation(dossier: Dossier, at: str, percent: int, *, by: Professional) -> Json:
    """Add an oxygen saturation in percent."""
    profile = dossier.profile(r4="nl-core-O2Saturation", stu3="zib-OxygenSaturation")
    value = quantity(percent, "%")
    return _vital_sign(dossier, "spo2", codes.SATURATION, at, by=by, profile=profile, valueQuantity=value)


def respiration(dossier: Dossier, at: str, per_minute: int, *, by: Professional, note: str | None = None) -> Json:
    """Add an assessment of breathing, with the rate per minute."""
    rate: Json = {"code": concept(codes.RESPIRATORY_RATE), "valueQuantity": quantity(per_minute, "/min")}
    profile = dossier.profile(r4="nl-core-Respiration", stu3="zib-Respiration")
    return _vital_sign(dossier, "resp", codes.RESPIRATION, at, by=by, profile=profile, note=note, component=[rate])


def laboratory(
    dossier: Dossier,
    at: str,
    results: Iterable[tuple[Code, float, str]],
    *,
    by: Professional,
) -> None:
    """Add the results of one sample: code, value and UCUM unit of each."""
    profile = dossier.profile(r4="nl-core-LaboratoryTestResult", stu3="zib-LaboratoryTestResult-Observation")
    for code, value, unit in results:
        dossier.add(
            "Observation",
            "lab",
            profile=profile,
            at=at,
            status="final",
            category=[concept(observation_category(dossier.version, "laboratory")), concept(codes.SERUM_TEST)],
            code=concept(code),
            subject=dossier.patient,
            effectiveDateTime=moment(at),
            performer=[reference(practitioner(dossier.cabinet, by), by.name)],
            valueQuantity=quantity(value, unit),
        )


def remark(dossier: Dossier, text: str | None) -> dict[str, object]:
    """A remark on an Observation: ``comment`` in STU3, ``note`` in R4."""
    if text is None:
        return {}
    return {"comment": text} if dossier.version == "stu3" else {"note": [{"text": text}]}


def _vital_sign(
    dossier: Dossier,
    slug: str,
    code: Code,
    at: str,
    *,
    by: Professional,
    profile: str,
    note: str | None = None,
    **members: object,
) -> Json:
    return dossier.add(
        "Observation",
        slug,
        profile=profile,
        at=at,
        status="final",
        category=[concept(observation_category(dossier.version, "vital-signs"))],
        code=concept(code),
        subject=dossier.patient,
        effectiveDateTime=moment(at),
        performer=[reference(practitioner(dossier.cabinet, by), by.name)],
        **remark(dossier, note),
        **members,
    )
