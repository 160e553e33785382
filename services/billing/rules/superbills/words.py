"""What the lint of superbills says: the fault, what to do about it, and who says so.

A rule's name is kept where a superbill waits, so that these words can be found for it again.
"""

from __future__ import annotations

from shared.refusals import Broken

_NPPES = "45 CFR 162.406"
_CODE_TABLE = "the clinic's code tables, from a day on"

NO_STOP_TIME = Broken(
    "stop_time_missing",
    "The record has no stop time, so it is still open. Record when the drip ended.",
    "CPT: without a stop time no infusion is coded",
)
NO_MINUTE = Broken(
    "infusion_clock",
    "The drip has no minute between its start and its stop. Correct the times.",
    "CPT: an infusion without start and stop times is not coded",
)
SESSION_CODE_MISSING = Broken(
    "session_code_missing",
    "No code is recorded for this session. Enter the one that the clinician documented: POST"
    " /charges/{charge_id}/session-code.",
    "AMA, CPT evaluation and management: the code follows from documented time or decisions",
)
SESSION_CLOCK = Broken(
    "session_clock",
    "The session has no minute between its start and its end. Correct the times.",
    "CPT: what is coded by time has a start and an end",
)
TOO_MANY_UNITS = Broken(
    "too_many_units",
    "A code has more units than a payer accepts for one day. Check the stop time.",
    "CMS medically unlikely edits: 96366, 8 units a day",
)
BORN_AFTER = Broken(
    "birth_date_after_service",
    "The patient's birth date lies after the visit. Correct the birth date.",
    "payers match the birth date with their own record",
)
NOT_CODED = Broken(
    "service_not_coded",
    "No codes are on record for what was given, under its drug's name in scheduling's catalogue."
    " Record those of the drug (POST /drug-codes) and ask again, or have a coder write this bill;"
    " the payment stands.",
    _CODE_TABLE,
)
NAME_MISSING = Broken(
    "name_missing",
    "A name, an address or the signature is missing. Complete the record.",
    "payers return a statement that does not say who, where and for whom",
)
NOT_SHOWN = Broken(
    "letters_not_shown",
    "A name, an address or another text has letters that a document cannot show, such as Chinese"
    " or Arabic ones. Enter it in Latin letters, as on the insurance card, then ask again.",
    "payers return a statement whose name is not the one on their record",
)
NO_LICENSE = Broken(
    "license_missing",
    "The clinician's license number is missing. Enter it.",
    "fields of a superbill: the rendering provider's license",
)
SUPERVISES_ITSELF = Broken(
    "supervises_itself",
    "The supervising provider is the clinician who gave the infusion. Name another, or none.",
    "X12 837P loop 2310D: the supervising provider differs from the rendering one",
)
NO_DIAGNOSIS = Broken(
    "diagnosis_missing",
    "The series names no diagnosis; a superbill needs at least one.",
    "CMS-1500 item 21",
)
TOO_MANY_DIAGNOSES = Broken(
    "too_many_diagnoses",
    "At most 12 diagnoses fit a claim. Leave out the least important ones.",
    "CMS-1500 item 21: A to L",
)
DIAGNOSIS_TWICE = Broken(
    "diagnosis_twice",
    "A diagnosis stands there twice. Leave one out.",
    "CMS-1500 item 21",
)
DIAGNOSIS_SHAPE = Broken(
    "diagnosis_shape",
    "A diagnosis is not written as an ICD-10-CM code, such as F33.2. Correct it.",
    "ICD-10-CM: a letter, a digit, a character, and up to four after the point",
)
DIAGNOSIS_UNKNOWN = Broken(
    "diagnosis_unknown",
    "A diagnosis is not in the clinic's table for that day. Correct it, or record the code with"
    " POST /diagnosis-codes after looking it up in CMS's table.",
    _CODE_TABLE,
)
HEADING = Broken(
    "diagnosis_not_billable",
    "A diagnosis was not billable that day: it is only a heading (such as F33 or F42). Give the"
    " full code.",
    "ICD-10-CM, CMS's table of the fiscal year: headings are not billable",
)
CLINICIAN_NPI = Broken(
    "clinician_npi",
    "The clinician's NPI does not check. Look it up at NPPES and correct it.",
    _NPPES,
)
CLINIC_NPI = Broken(
    "clinic_npi",
    "The clinic's NPI does not check. Look it up at NPPES and correct it.",
    _NPPES,
)
CLINIC_EIN = Broken(
    "clinic_ein",
    "The clinic's EIN does not begin with a prefix that the IRS gives out. Correct it.",
    "IRS: valid EIN prefixes",
)
CLINIC_SSN = Broken(
    "clinic_ein_is_ssn",
    "The clinic's EIN is written like a social security number. Give the EIN, as 12-3456789.",
    "IRS: an EIN is written with two digits before the dash",
)
WRONG_DATE = Broken(
    "date_of_service",
    "A line's date is not the date of its visit. Each line has the exact day.",
    "payers return statements with a range of dates",
)
VISIT_WITHOUT_LINE = Broken(
    "visit_without_line",
    "A line belongs to no visit, or a visit has no line. Ask for the superbill again.",
    "CMS-1500 item 24: who rendered a line, and when",
)
NOT_YET = Broken(
    "service_in_the_future",
    "A visit lies after the day of issue. Check the clock of the visit.",
    "a superbill tells of services that were rendered",
)
CODE_SHAPE = Broken(
    "code_shape",
    "A service's code is neither CPT nor HCPCS. A code of the clinic's own means nothing to a"
    " payer.",
    "CPT: five digits; HCPCS level II: a letter and four digits",
)
CODE_UNKNOWN = Broken(
    "code_unknown",
    "A service's code is not in the clinic's table for that day. Record it with POST"
    " /service-codes, or correct it.",
    _CODE_TABLE,
)
CODE_NOT_BILLABLE = Broken(
    "code_not_billable",
    "A service's code was not billable that day. Give the code that took its place.",
    _CODE_TABLE,
)
CODE_BLOCKED = Broken(
    "code_blocked",
    "A code stands for something that the clinic does not give: GET /blocked-codes says what. Give"
    " the drug's own: GET /drug-codes.",
    "the clinic's blocked codes, such as those of Spravato (CMS: under its own program)",
)
MODIFIER_SHAPE = Broken(
    "modifier_shape",
    "A modifier is not two letters or digits. Correct it.",
    "CMS-1500 item 24D",
)
TOO_MANY_MODIFIERS = Broken(
    "too_many_modifiers",
    "At most four modifiers fit a line.",
    "CMS-1500 item 24D",
)
PLACE_UNKNOWN = Broken(
    "place_of_service",
    "A line's place of service is none where the clinic sees anybody. Correct it.",
    "CMS: place of service codes",
)
NO_POINTER = Broken(
    "pointer_missing",
    "A line points at no diagnosis. Say what the service was for.",
    "CMS-1500 item 24E",
)
TOO_MANY_POINTERS = Broken(
    "too_many_pointers",
    "A line points at more than four diagnoses. Keep the first four.",
    "CMS-1500 item 24E",
)
POINTER_UNKNOWN = Broken(
    "pointer_unknown",
    "A line points at a diagnosis that is not on the list. Correct the pointer.",
    "CMS-1500 item 24E points into item 21",
)
UNITS = Broken(
    "units",
    "A line's units do not agree with what explains them. Each unit has its line.",
    "CMS-1500 item 24G: one or more",
)
NEGATIVE = Broken(
    "charge_negative",
    "A line's charge is below nothing. A reduction is a refund, not a charge.",
    "CMS-1500 item 24F",
)
NO_DRUG = Broken(
    "drug_missing",
    "What ran is not recorded, so the line of the drug names none. Record the dose: the superbill"
    " is made when the patient is discharged.",
    "HCPCS: J3490 and J7999 are read with the drug's name and dose",
)
DRUG_DOSE = Broken(
    "drug_dose",
    "The line of the drug lacks its name, its route, or both dose and strength. Record what ran.",
    "HCPCS: J3490 and J7999 are read with the drug's name, route and dose",
)
NDC = Broken(
    "ndc",
    "The drug's NDC is not eleven digits as 5-4-2, or its unit (ML, UN, GR, F2) or quantity is"
    " missing.",
    "CMS-1500 item 24, NDC qualifiers",
)
ADD_ON_ALONE = Broken(
    "add_on_without_primary",
    "An add-on code stands there without the code that it adds to. Check the clock of the visit.",
    "CPT: 96366 only with 96365",
)
CODES_EXCLUDE = Broken(
    "codes_exclude_each_other",
    "A push (96374) and an infusion (96365) of the same drug cannot both stand there.",
    "CPT: one initial code per encounter",
)
SEPARATE_EVALUATION = Broken(
    "separate_evaluation",
    "An office visit and an infusion stand on one day, and the visit's code has no modifier 25."
    " Record the session's code with it where the visit was one of its own, then ask again.",
    "CPT: modifier 25 for an evaluation on the day of a procedure",
)
LINES_DO_NOT_SUM = Broken(
    "lines_do_not_sum",
    "The lines do not sum to the total charge.",
    "the charge that was posted",
)
PAYMENTS_DO_NOT_SUM = Broken(
    "payments_do_not_sum",
    "Payments and refunds do not sum to what is said of them, or more was refunded than paid.",
    "the payments on record",
)
STANDING = Broken(
    "standing",
    "What the statement says of itself does not follow from what was paid and given back. Ask for"
    " the superbill again.",
    "a statement of payment says what was paid",
)
NOT_PAID = Broken(
    "not_paid",
    "The payments do not pay the charge: the balance is not zero.",
    "payers return a statement with a balance due",
)

BY_RULE = {one.rule: one for one in list(globals().values()) if isinstance(one, Broken)}
