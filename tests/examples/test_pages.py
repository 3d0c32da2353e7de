"""Paging: opaque links under the base, ten entries unless asked otherwise."""

from .conftest import Ehr, ids, next_link


async def _walk(ehr: Ehr, path: str) -> list[list[str]]:
    page = await ehr.get(path)
    pages = [ids(page)]
    while (url := next_link(page)) is not None:
        page = await ehr.follow(url)
        pages.append(ids(page))
    return pages


async def test_a_page_holds_ten_and_the_next_ones_complete_it(oever: Ehr) -> None:
    pages = await _walk(oever, "/Observation?patient=Client.5b1f0a77-135")
    assert [len(page) for page in pages] == [10, 10, 10, 10]
    every = [one for page in pages for one in page]
    assert len(set(every)) == len(every) == 40


async def test_the_next_link_names_neither_type_nor_patient(oever: Ehr) -> None:
    first = await oever.get("/Observation?patient=Client.5b1f0a77-135&_count=3")
    url = next_link(first)
    assert url is not None
    assert url.startswith(f"{oever.base}?_getpages=")
    assert "Observation" not in url
    assert "135" not in url.partition("_getpagesoffset")[2]


async def test_count_sets_the_size_of_every_page(oever: Ehr) -> None:
    pages = await _walk(
        oever, "/Observation?_profile=http://nictiz.nl/fhir/StructureDefinition/zib-BloodPressure&_count=5"
    )
    assert [len(page) for page in pages] == [5, 3]


async def test_the_total_is_that_of_all_pages(oever: Ehr) -> None:
    first = await oever.get("/Observation?_count=7")
    assert first["total"] == 40
    url = next_link(first)
    assert url is not None
    assert (await oever.follow(url))["total"] == 40


async def test_counting_gives_no_entries(oever: Ehr) -> None:
    for query in ("_summary=count", "_count=0"):
        counted = await oever.get(f"/Observation?{query}")
        assert counted["total"] == 40
        assert "entry" not in counted
        assert next_link(counted) is None


async def test_includes_belong_to_their_page(gouwe: Ehr) -> None:
    first = await gouwe.get("/MedicationRequest?patient=10421&_include=MedicationRequest:medication&_count=2")
    assert len(ids(first)) == 2
    assert len(ids(first, "include")) == 2


async def test_an_unknown_page_is_gone_and_a_broken_link_is_an_error(gouwe: Ehr) -> None:
    assert (await gouwe.get("?_getpages=none", status=410))["resourceType"] == "OperationOutcome"
    await gouwe.get("?_getpagesoffset=1", status=400)
    await gouwe.get("?_getpages=x&_getpagesoffset=many", status=400)


async def test_the_last_page_leads_back_and_not_on(oever: Ehr) -> None:
    first = await oever.get("/Observation?_count=25")
    url = next_link(first)
    assert url is not None
    last = await oever.follow(url)
    assert len(ids(last)) == 15
    assert next_link(last) is None
    assert [link["relation"] for link in last["link"]] == ["self", "previous"]


async def test_a_page_has_an_upper_limit(oever: Ehr) -> None:
    await oever.control(misbehave="endless_pages")
    first = await oever.get("/Flag?_count=2")
    url = next_link(first)
    assert url is not None
    assert len(ids(await oever.follow(url.replace("_count=2", "_count=999999999")))) == 500
