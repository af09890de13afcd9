"""A case for every indicator derived from events: cells, and the figure worked out by hand."""

from __future__ import annotations

from dataclasses import dataclass

from cubes import at

NOW = at("2025-03-20T10:00")
MARCH, FEBRUARY, APRIL = 20250310, 20250228, 20250401


@dataclass
class Case:
    """Counts by `family|kind`, and what they make."""

    cells: dict[str, dict[str, int]]
    numerator: int
    denominator: int | None = None
    percentiles: dict[str, int | None] | None = None


def closed(numerator: int, denominator: int | None = None, /, **counts: int) -> Case:
    return Case({"dossiers|closed": counts}, numerator, denominator)


def flagged(rule: str) -> Case:
    return Case({"dossiers|flagged": {"flagged": 9, rule: 4}}, 4)


def stock(kind: str, numerator: int, denominator: int, **counts: int) -> Case:
    return Case({f"inventory|{kind}": counts}, numerator, denominator)


OPEN = {
    f"dossiers|open|P|{at('2025-03-20T09:59')}": {"open": 5, "waiting": 2},
    f"dossiers|open|P|{at('2025-03-20T10:00')}": {"open": 40, "waiting": 1},
    "dossiers|open|P|0": {"open": 7},
}
CASES: dict[str, Case] = {
    "dossiers_received": Case({"dossiers|received": {"received": 12, "received_online": 5}}, 12),
    "dossiers_finished": closed(8, closed=10, finished=8, withdrawn=2),
    # with or without a due time, past or not
    "dossiers_open": Case(OPEN, 52),
    "dossiers_waiting": Case(OPEN, 3),
    # 52 open less 3 that wait, less 3 that are past their due time and do not
    "dossiers_in_time_opencps": Case(OPEN, 46),
    # 52 open, of which 5 are past their due time and 2 of those wait
    "dossiers_in_time": Case(OPEN, 49),
    # 3 of 8 finished ones had come online
    "dossiers_online_share": closed(3, 8, closed=10, finished=8, finished_online=3),
    "transfers_electronic_share": closed(
        4, 5, closed=10, finished=8, moved=5, moved_electronically=4
    ),
    "payments_online_share": Case(
        {"dossiers|paid": {"transactions": 9, "transactions_online": 2, "amount": 900}}, 2, 9
    ),
    "results_digitised_share": closed(6, 8, closed=10, finished=8, results=8, results_digitised=6),
    "satisfaction": Case(
        {
            "dossiers|rated": {
                "ratings": 20,
                "satisfied": 19,
                "ratings_agency": 5,
                "satisfied_agency": 1,
            }
        },
        19,
        20,
    ),
    # procedures L and C are of the fields land and construction, O of another: 3 + 1 of 4 + 2
    "satisfaction_land_construction_investment": Case(
        {
            "dossiers|rated|L": {"ratings": 4, "satisfied": 3},
            "dossiers|rated|C": {"ratings": 2, "satisfied": 1},
            "dossiers|rated|O": {"ratings": 90, "satisfied": 50},
        },
        4,
        6,
    ),
    "satisfaction_agencies": Case(
        {
            "dossiers|rated": {
                "ratings": 20,
                "satisfied": 19,
                "ratings_agency": 5,
                "satisfied_agency": 1,
            }
        },
        1,
        5,
    ),
    "satisfaction_health_education": Case(
        {"dossiers|rated": {"ratings_health_education": 7, "satisfied_health_education": 6}}, 6, 7
    ),
    "information_not_asked_again_share": Case(
        {"dossiers|received": {"received": 12, "received_online": 5, "reused_data": 3}}, 3, 12
    ),
    "dossiers_on_time_share": closed(
        7, 10, closed=10, finished=9, withdrawn=1, on_time=7, early=2, late=2, no_due=1
    ),
    # two definitions of late on the same dossiers; those without a due time are in neither: 10 − 1
    "late_06a_v1": closed(3, 9, closed=10, no_due=1, late=2, late_06a=3, late_766=1),
    "late_06a_opencps": closed(2, 7, closed=10, finished=7, late=3, finished_late=2, no_due=1),
    # columns 8, 9 and 10 of report 06a; the stopped one stays open
    "late_06a": Case(
        {
            "dossiers|flow": {
                "left": 8,
                "left_stopped": 1,
                "left_early": 3,
                "left_on_time": 2,
                "left_late": 2,
            }
        },
        2,
        7,
    ),
    "late_766": closed(1, 9, closed=10, no_due=1, late=2, late_06a=3, late_766=1),
    # due at 09:59: 5, of which 2 wait; due at 10:00 is not overdue yet
    "dossiers_overdue": Case(
        {
            f"dossiers|open|P|{at('2025-03-20T09:59')}": {"open": 5, "waiting": 2},
            f"dossiers|open|P|{at('2025-03-20T10:00')}": {"open": 40},
            "dossiers|open|P|0": {"open": 7},
        },
        3,
    ),
    # eight working hours from Thursday 10:00: an hour and a half, three and a half, and three on
    # Friday, until 10:00
    "dossiers_due_soon": Case(
        {
            f"dossiers|open|P|{at('2025-03-20T09:59')}": {"open": 40},
            f"dossiers|open|P|{at('2025-03-20T10:00')}": {"open": 2},
            f"dossiers|open|P|{at('2025-03-21T10:00')}": {"open": 5, "waiting": 1},
            f"dossiers|open|P|{at('2025-03-21T10:01')}": {"open": 40},
            "dossiers|open|P|0": {"open": 7},
        },
        6,
    ),
    # of what came and ended before 1 March: 30 + 6 taken, 20 + 4 left
    "dossiers_carried_over": Case(
        {
            f"dossiers|flow|P|{FEBRUARY}": {"taken_online": 10, "taken_other": 20, "left": 20},
            "dossiers|flow|P|20240101": {"taken_online": 6},
            "dossiers|flow|P|20241231": {"left": 4, "left_stopped": 4},
            "dossiers|flow|P|20250301": {"taken_other": 100, "left": 50},
            f"dossiers|refused|P|{FEBRUARY}": {"refused": 8},
        },
        12,
    ),
    # 4 reports: two within a second, one within a minute, one within five; the 2nd and the 4th of 4
    "sync_lag": Case(
        {
            "dossiers|closed": {
                "reports": 4,
                "lag_seconds": 240,
                "lag_le_1": 2,
                "lag_le_60": 1,
                "lag_le_300": 1,
                "reported_late": 9,
            }
        },
        240,
        4,
        {"p50": 1, "p90": 300},
    ),
    "reception_sync_lag": Case(
        {
            "dossiers|received": {
                "reception_reports": 3,
                "reception_lag_seconds": 33,
                "reception_lag_le_5": 2,
                "reception_lag_le_60": 1,
            }
        },
        33,
        3,
        {"p50": 5, "p90": 60},
    ),
    "return_sync_lag": Case(
        {
            "dossiers|closed": {
                "return_reports": 1,
                "return_lag_seconds": 9_000_000,
                "return_lag_more": 1,
            }
        },
        9_000_000,
        1,
        {"p50": None, "p90": None},
    ),
    # of 10 reports 5 within an hour, 4 within half a working day, 1 within a whole one
    "sync_lag_working": Case(
        {
            "dossiers|closed": {
                "closed": 12,
                "reports": 10,
                "lag_seconds": 99_999,
                "working_lag_seconds": 30_000,
                "working_lag_le_3600": 5,
                "working_lag_le_14400": 4,
                "working_lag_le_28800": 1,
            }
        },
        30_000,
        10,
        {"p50": 3600, "p90": 14_400},
    ),
    "reception_sync_lag_working": Case(
        {
            "dossiers|received": {
                "received": 5,
                "reception_reports": 4,
                "reception_working_lag_seconds": 1_000,
                "reception_working_lag_le_3600": 4,
            }
        },
        1_000,
        4,
        {"p50": 3600, "p90": 3600},
    ),
    "return_sync_lag_working": Case(
        {
            "dossiers|closed": {
                "closed": 5,
                "return_reports": 2,
                "return_working_lag_seconds": 700_060,
                "return_working_lag_le_3600": 1,
                "return_working_lag_more": 1,
            }
        },
        700_060,
        2,
        {"p50": 3600, "p90": None},
    ),
    # 8 finished ones took 45.5 office hours each
    "processing_time": closed(
        8 * 163_800,
        8,
        closed=10,
        finished=8,
        processing_seconds=10**6,
        processing_working_seconds=8 * 163_800,
    ),
    "dossiers_asked_for_papers_share": closed(
        4, 10, closed=10, finished=8, asked_for_papers=4, asked_again_in_time=1
    ),
    "supplement_wait": closed(
        57_600, 4, closed=10, finished=8, asked_for_papers=4, paused_working_seconds=57_600
    ),
    "overdue_by_late_reporting": closed(2, closed=10, late=4, reported_late=6, looked_overdue=2),
    "due_moved_after_passed": flagged("due_moved_after_passed"),
    "step_before_reception": flagged("step_before_reception"),
    "step_after_end": flagged("step_after_end"),
    "returned_before_end": flagged("returned_before_end"),
    "closed_without_reception": flagged("end_without_reception"),
    "finished_without_step": closed(3, closed=10, finished=8, finished_without_step=3),
    "dossiers_reopened": Case({"dossiers|reopened": {"reopened": 2}}, 2),
    "dossiers_end_undone": Case({"dossiers|undone": {"undone": 3}}, 3),
    "sources_disagree": flagged("sources_disagree"),
    "too_many": flagged("too_many"),
    # 5 faulty ones, of 18 received and 2 whose reception is not known
    "data_quality": Case(
        {
            "dossiers|flagged": {"flagged": 5, "no_reception": 2},
            "dossiers|received": {"received": 18},
        },
        5,
        20,
    ),
    **{
        rule: flagged(rule)
        for rule in (
            "offline_procedure_online",
            "no_reception",
            "finished_without_end",
            "received_in_future",
            "ended_in_future",
            "received_after_end",
        )
    },
    "procedures_online_payment_share": stock(
        "procedures", 3, 4, procedures=9, with_fee=4, payable_online=3
    ),
    "procedures_online_share": stock(
        "procedures", 5, 6, procedures=9, eligible_online=6, offered_online=5, on_national_portal=2
    ),
    "procedures_on_national_portal_share": stock(
        "procedures", 2, 5, eligible_online=6, offered_online=5, on_national_portal=2
    ),
    "internal_procedures_published_share": stock(
        "procedures", 1, 2, procedures=9, internal=2, internal_published=1
    ),
    # 30 + 10 days before, 20 + 5 now: 15 of 40 days are gone
    "processing_time_cut": stock("procedures", 15, 40, procedures=2, days_before=40, days_now=25),
    "full_online_services_multichannel_share": stock(
        "procedures", 2, 3, offered_online=5, full_online=3, full_online_multichannel=2
    ),
    "authenticated_users_share": stock("accounts", 800, 1000, users=1000, users_authenticated=800),
    "portals_connected_share": stock("systems", 1, 2, systems=9, portals=2, portals_connected=1),
    "information_systems_connected_share": stock(
        "systems", 3, 5, systems=9, information_systems=5, information_systems_connected=3
    ),
    "reporting_systems_connected_share": stock(
        "systems", 1, 4, systems=9, reporting_systems=4, reporting_systems_connected=1
    ),
    "meetings_in_system_share": Case(
        {"activities|meetings": {"meetings": 6, "meetings_in_system": 5}}, 5, 6
    ),
    "work_records_online_share": Case(
        {
            "activities|work_records": {
                "work_records": 50,
                "work_records_online": 45,
                "work_records_secret": 7,
            },
        },
        45,
        50,
    ),
    "inspections_digital_share": Case(
        {"activities|inspections": {"inspections": 8, "inspections_digital": 3}}, 3, 8
    ),
    "documents_electronic_share": Case(
        {"documents|sent": {"documents": 30, "electronic": 29, "electronic_signed": 27}}, 27, 30
    ),
    # 6 on time and 1 late with a deadline, 3 without
    "tasks_on_time_share": Case(
        {"tasks|completed": {"completed": 10, "on_time": 6, "late": 1, "no_deadline": 3}}, 6, 10
    ),
    "tasks_overdue": Case(
        {
            f"tasks|open|P|{at('2025-03-19T17:00')}": {"open": 4, "running": 3, "returned": 1},
            f"tasks|open|P|{at('2025-03-20T10:00')}": {"open": 40},
            "tasks|open|P|0": {"open": 5},
        },
        4,
    ),
    # on 20 March, the 20,167th day since 1970: 3 since the 18th, 1 since the 20th itself
    "tasks_days_overdue": Case(
        {
            f"tasks|open|P|{at('2025-03-18T17:00')}": {"open": 3, "deadline_days": 3 * 20_165},
            f"tasks|open|P|{at('2025-03-20T09:00')}": {"open": 1, "deadline_days": 20_167},
            f"tasks|open|P|{at('2025-03-20T10:00')}": {"open": 40, "deadline_days": 40 * 20_167},
            "tasks|open|P|0": {"open": 5},
        },
        6,
    ),
    "tasks_days_late": Case(
        {"tasks|completed": {"completed": 10, "on_time": 6, "late": 4, "late_days": 17}}, 17
    ),
    "tasks_due_soon": Case(
        {
            f"tasks|open|P|{at('2025-03-19T17:00')}": {"open": 40},
            f"tasks|open|P|{at('2025-03-20T17:00')}": {"open": 3},
        },
        3,
    ),
    # with a due time: 20 − 2 closed, of which 3 late and 1 asked for papers twice; open 30 − 11, of
    # which 11 − 2 have no due time and 6 − 2 are past due, of which 1 waits: 14 + 7 of 18 + 10
    "score_766_2_1": Case(
        {
            "dossiers|closed": {"closed": 20, "no_due": 2, "late_766": 3, "asked_again_in_time": 1},
            "dossiers|flow|P|20250228": {"taken_other": 30, "taken_undated": 11, "fell_due": 6},
            "dossiers|flow|P|20250310": {"left": 11, "left_undated": 2, "settled": 2},
            "dossiers|flow|P|20250311": {"wait_from": 1},
            "dossiers|flow|P|20250325": {"fell_due": 7},  # to come
        },
        21,
        28,
    ),
    "score_766_3_1": stock("procedures", 5, 9, procedures=9, eligible_online=6, offered_online=5),
    "score_766_3_5a": stock("procedures", 3, 4, procedures=9, with_fee=4, payable_online=3),
    "score_766_4_1": closed(6, 8, closed=10, results=8, results_digitised=6),
    "score_766_4_3": Case({"dossiers|received": {"received": 12, "reused_data": 3}}, 3, 12),
    "score_766_3_6": Case(
        {"dossiers|received": {"received": 12, "with_fee": 5, "paid_online": 2}}, 2, 5
    ),
    "score_766_4_2": closed(
        3, 8, closed=10, finished=8, results=8, results_digitised=6, digitised_throughout=3
    ),
    "score_766_4_4": Case({"dossiers|received": {"received": 12, "from_personal_store": 2}}, 2, 12),
    "score_766_4_5b": Case(
        {"dossiers|received": {"received": 12, "authenticated": 9, "identified": 10}}, 10, 12
    ),
    # of 20 closed 3 were late, and 2 of 5 ratings were not satisfied: 20 − 3 − 2
    "score_766_5_4": Case(
        {
            "dossiers|closed": {"closed": 20, "late_766": 3},
            "dossiers|rated": {"ratings": 5, "satisfied": 3},
        },
        15,
        20,
    ),
}
