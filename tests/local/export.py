"""Another small clinic, made up for tests: one patient in Phoenix with a pain series of three."""

from __future__ import annotations

from pathlib import Path

FILES = {
    "locations.csv": """\
location,name,zone,legal_name,ein,npi,phone,line1,line2,city,state,postal_code
phoenix,Made Up Pain Clinic,America/Phoenix,Made Up Pain Clinic LLC,98-7654321,1000000012,\
+12025550140,1 Dry Street,,Phoenix,AZ,85001
""",
    "chairs.csv": """\
chair,location,name
one,phoenix,Chair one
""",
    "staff.csv": """\
staff,role,name,credential,npi,license_number,dea_number,phone,line1,line2,city,state,postal_code
quinn,prescriber,Quinn Testa,MD,1000000020,AZ0001,FT1234563,+12025550141,1 Dry Street,,Phoenix,AZ,\
85001
""",
    "fees.csv": """\
visit_type,fee_usd,effective_from
ketamine_pain,1250.50,2026-01-01
""",
    "patients.csv": """\
patient,first_name,last_name,birth_date,phone,email,line1,line2,city,state,postal_code,location,\
registered_at,screened_at,screened_by,screened_until,concerns,cleared_at,cleared_by,cleared_until,\
clearance_note,coverage
canary,Testa,Canary,1970-02-03,+12025550142,canary@example.com,2 Dry Street,,Phoenix,AZ,85001,\
phoenix,2027-03-12 09:00,2027-03-12 09:05,quinn,2027-12-31,,,,,,self_pay
""",
    "cards.csv": """\
patient,card_number,saved_at
canary,4242424242424242,2027-03-12 09:30
""",
    "series.csv": """\
series,patient,prescriber,location,visit_type,diagnoses,booked_at,stopped_at,stop_reason,signed_at
canary-pain,canary,quinn,phoenix,ketamine_pain,G90.511,2027-03-12 09:10,,,
""",
    "visits.csv": """\
visit,series,chair,starts_at,moved_at,moved_to,nurse,ride,ride_name,ride_phone,ride_confirmed_at,\
checked_in_at,fasted,drip_min,weight_kg,dose_mg,lot,discharged_after_min,tender,\
reference,paid_at,issuer_declines,tried_again_at
canary-1,canary-pain,one,2027-03-16 10:00,,,quinn,rideshare,,,,,yes,235,70,60,LOT-1,,,,,,
canary-2,canary-pain,one,2027-03-17 10:00,,,quinn,rideshare,,,,,yes,230,70,60,LOT-1,,cash,R-0042,\
2027-03-17 15:00,,
canary-3,canary-pain,one,2027-03-18 10:00,,,quinn,rideshare,,,,,yes,240,70,60,LOT-1,45,,,,,
""",
}


def write(folder: Path, **changed: str) -> Path:
    """The clinic's files in a folder; `changed` holds other contents by the file's stem."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in FILES.items():
        (folder / name).write_text(changed.pop(name.removesuffix(".csv"), content))
    for stem, content in changed.items():
        (folder / f"{stem}.csv").write_text(content)
    return folder
