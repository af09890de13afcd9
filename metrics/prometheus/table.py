"""Every metric of this process in one table: name, type, labels, what it means and what to do."""

from __future__ import annotations

from serving.telemetry import Metric

_FIGURE = ("indicator", "agency", "window")

INDICATOR_VALUE = Metric(
    "lgsp_indicator_value",
    "gauge",
    _FIGURE,
    "Value of an indicator: numerator divided by denominator (shares between 0 and 1), or the"
    " count. No sample while the denominator is 0.",
    "Compare with lgsp_indicator_target. Only the main indicators are told by agency: for others"
    " ask the API with by=agency.",
)
INDICATOR_NUMERATOR = Metric(
    "lgsp_indicator_numerator",
    "gauge",
    _FIGURE,
    "What the indicator counts.",
    "Add numerators and denominators up before dividing; never average values.",
)
INDICATOR_DENOMINATOR = Metric(
    "lgsp_indicator_denominator",
    "gauge",
    _FIGURE,
    "Out of how many. No sample for plain counts.",
    "0 all day in working hours: does the agency report at all?",
)
INDICATOR_TARGET = Metric(
    "lgsp_indicator_target",
    "gauge",
    _FIGURE,
    "Target in force this year. No sample for indicators without one.",
    "Targets are declared in indicators.yaml, with their clause.",
)
INDICATOR_PERCENTILE = Metric(
    "lgsp_indicator_percentile",
    "gauge",
    (*_FIGURE, "percentile"),
    "Upper bound of the class of values that holds the percentile (50, 90); +Inf beyond the last"
    " class. No sample without values.",
    "A high sync_lag: the agency reports late, and its dossiers look overdue meanwhile.",
)
REPORTED_VALUE = Metric(
    "lgsp_reported_value",
    "gauge",
    ("indicator", "agency"),
    "Value of a figure that agencies report, of the newest period that ended by today; of its"
    " agencies and of all together.",
    "Ask GET /v1/indicators/{id} who reported it, for which period and in which document.",
)
COUNTS = Metric(
    "lgsp_counts",
    "gauge",
    ("family", "kind", "measure", "window"),
    "Raw counts of the whole province, such as dossiers received by channel.",
    "Ask GET /v1/counts for agencies, days and procedures.",
)
DOSSIERS_OPEN = Metric(
    "lgsp_dossiers_open",
    "gauge",
    ("agency",),
    "Dossiers not yet closed, waiting ones included.",
    "Growing for weeks: the agency closes less than it receives.",
)
DOSSIERS_OVERDUE = Metric(
    "lgsp_dossiers_overdue",
    "gauge",
    ("agency",),
    "Open dossiers past their due time, less those waiting for a supplement or a fee.",
    "Ask the agency; look at sync_lag first: a finish reported late looks overdue until it comes.",
)
DOSSIERS_DUE_SOON = Metric(
    "lgsp_dossiers_due_soon",
    "gauge",
    ("agency",),
    "Open dossiers due within the next 8 office hours, less those waiting.",
    "Warn the agency today.",
)
RULES = Metric(
    "lgsp_rules_info",
    "gauge",
    ("books", "family", "version"),
    "1 for each version of a family's counting rules by which these books were counted.",
    "Two versions of a family for minutes: a worker of an older version runs, or some partition has"
    " none.",
)
FRESHNESS = Metric(
    "lgsp_freshness_seconds",
    "gauge",
    (),
    "Age of the oldest heartbeat that came through gateway, Kafka, workers and cube on every"
    " partition. No sample until each had one.",
    "Above 10: look at lgsp_worker_lag_records, then lgsp_cube_lag_records, then whether the"
    " gateway runs.",
)
AGENCY_INFO = Metric(
    "lgsp_agency_info",
    "gauge",
    ("agency", "level", "name_vi", "name_en"),
    "1 for each agency heard from or valid today that is registered: what it is called, and its"
    " level.",
    "Put the name beside any metric with an agency: * on (agency) group_left (name_vi, name_en)"
    " lgsp_agency_info.",
)
LAST_EVENT = Metric(
    "lgsp_last_event_timestamp_seconds",
    "gauge",
    ("agency",),
    "When a count of the agency last changed (Kafka's time, Unix seconds).",
    "Hours ago in office hours: call the agency, its sending has stopped.",
)
AGENCY_SILENT = Metric(
    "lgsp_agency_silent_seconds",
    "gauge",
    ("agency",),
    "Time since a count of an agency that should report today last changed; since it was first"
    " expected if it never reported.",
    "Days: ask whether its system still sends; GET /v1/coverage lists on which days it did.",
)
AGENCIES_EXPECTED = Metric(
    "lgsp_agencies_expected",
    "gauge",
    ("window",),
    "Agencies that should report on some day of the window; of all time those of today.",
    "Register agencies with their validity, or list them in LGSP_AGENCIES.",
)
AGENCIES_REPORTING = Metric(
    "lgsp_agencies_reporting",
    "gauge",
    ("window",),
    "… of which at least one count is dated in the window.",
    "Fewer than expected: every figure of the window is incomplete; GET /v1/coverage names the"
    " others.",
)
AGENCIES_UNKNOWN = Metric(
    "lgsp_agencies_unknown",
    "gauge",
    (),
    "Codes that counts came under and that nobody registered. No sample while no agency is"
    " registered.",
    "GET /v1/agencies lists them under unknown: register them, or have the sender mend its codes.",
)
PROCEDURES_UNKNOWN = Metric(
    "lgsp_procedures_unknown",
    "gauge",
    (),
    "Codes of procedures that dossiers came under and that nobody registered. No sample while no"
    " procedure is registered.",
    "GET /v1/procedures lists them under unknown: register them, or have the sender mend its"
    " codes.",
)
DIRECTORY_PROBLEMS = Metric(
    "lgsp_directory_problems",
    "gauge",
    ("kind",),
    "Statements about agencies and procedures, or links between agencies, that cannot hold.",
    "GET /v1/agencies lists them under problems, each with its place: state them again.",
)
WORKER_LAG = Metric(
    "lgsp_worker_lag_records",
    "gauge",
    ("topic", "partition"),
    "Events accepted and not yet counted by the workers. No sample while Kafka can't be asked.",
    "Growing: start another `lgsp worker`; on one partition only: its worker is stuck, see its"
    " log.",
)
CUBE_READY = Metric(
    "lgsp_cube_ready",
    "gauge",
    (),
    "1 when the cube holds everything that stood in Kafka at start; 0 while it is being built, when"
    " no figures are told.",
    "Wait; lgsp_cube_progress_ratio shows how far it is.",
)
CUBE_PROGRESS = Metric(
    "lgsp_cube_progress_ratio",
    "gauge",
    (),
    "Share of the topic of cells that the cube had read of what stood there at start.",
    "Not moving: see this process's log.",
)
CUBE_LAG = Metric(
    "lgsp_cube_lag_records",
    "gauge",
    (),
    "Published pages of cells not yet in the cube. No sample while Kafka can't be asked.",
    "Above 10000 for a minute: this process lacks CPU.",
)
CUBE_RECORDS = Metric(
    "lgsp_cube_records_total",
    "counter",
    (),
    "Records of lgsp.cells applied since start.",
    "Standing still while events come in: is a worker running?",
)
CUBE_UNREADABLE = Metric(
    "lgsp_cube_unreadable_records_total",
    "counter",
    (),
    "Records of lgsp.cells that were no pages of cells and were left out.",
    "Above 0: something else than the hub's workers writes to lgsp.cells; forbid it.",
)
CUBE_APPLY = Metric(
    "lgsp_cube_apply_seconds",
    "summary",
    (),
    "Time to apply a batch of pages.",
    "A mean above 0.1 with small batches: the disk of LGSP_DATA is slow.",
)
CUBE_REBUILDS = Metric(
    "lgsp_cube_rebuilds_total",
    "counter",
    (),
    "How often the cube was made anew since start; the log says why.",
    "More than 1: the disk damages files, or something deletes them.",
)
CUBE_SIZE = Metric(
    "lgsp_cube_size_bytes",
    "gauge",
    (),
    "Size of the cube's file.",
    "The disk is filling up: the cube may be deleted at any time, it builds itself anew.",
)
LISTING_READY = Metric(
    "lgsp_listing_ready",
    "gauge",
    (),
    "1 when the lists behind the figures hold everything that stood in Kafka at start; 0 while they"
    " are being built, when none is told.",
    "Wait; the figures do not depend on it.",
)
LISTING_LAG = Metric(
    "lgsp_listing_lag_records",
    "gauge",
    (),
    "Published states not yet in the lists. No sample while Kafka can't be asked.",
    "Above 10000 for a minute: this process lacks CPU; LGSP_LISTING=0 spares it the lists.",
)
LISTING_UNREADABLE = Metric(
    "lgsp_listing_unreadable_records_total",
    "counter",
    (),
    "States that could not be read and were left out.",
    "Above 0: workers of a newer version run; bring this process up to it.",
)
LISTING_REBUILDS = Metric(
    "lgsp_listing_rebuilds_total",
    "counter",
    (),
    "How often the lists were made anew since start; the log says why.",
    "More than 1: the disk damages files, or something deletes them.",
)
LISTING_SIZE = Metric(
    "lgsp_listing_size_bytes",
    "gauge",
    (),
    "Size of the lists' file.",
    "The disk is filling up: LGSP_LISTING=0 does without lists; the file may then be deleted.",
)
FACTS_READY = Metric(
    "lgsp_facts_ready",
    "gauge",
    (),
    "1 when the index of facts (GET /v1/dossiers/{id}) holds everything that stood in Kafka at"
    " start; 0 while it is being built.",
    "Wait; neither figures nor lists depend on it.",
)
FACTS_LAG = Metric(
    "lgsp_facts_lag_records",
    "gauge",
    (),
    "Facts not yet in the index. No sample while Kafka can't be asked.",
    "Above 10000 for a minute: this process lacks CPU; LGSP_LISTING=0 spares it the lists and the"
    " index.",
)
FACTS_REBUILDS = Metric(
    "lgsp_facts_rebuilds_total",
    "counter",
    (),
    "How often the index of facts was made anew since start; the log says why.",
    "More than 1: the disk damages files, or something deletes them.",
)
FACTS_SIZE = Metric(
    "lgsp_facts_size_bytes",
    "gauge",
    (),
    "Size of the index of facts.",
    "The disk is filling up: LGSP_LISTING=0 does without lists and index; the files may then be"
    " deleted.",
)
STORAGE_TROUBLE = Metric(
    "lgsp_storage_trouble",
    "gauge",
    ("store", "reason"),
    "1 while a file can't be written (full, read-only, denied, failing, busy): it is kept, and told"
    " as old as it is. No sample otherwise.",
    "Make room, or mend the disk or the folder's rights: it goes on by itself; this process's log"
    " names the file.",
)
STORAGE_FREE = Metric(
    "lgsp_storage_free_bytes",
    "gauge",
    ("store",),
    "Room left on the disk of the cube, of the lists, of the index of facts and of the embedded"
    " Kafka.",
    "Falling towards 0: make room. Kafka stops while less than 32 MiB are left, and goes on by"
    " itself.",
)
RENDER = Metric(
    "lgsp_render_seconds",
    "summary",
    (),
    "Time to render /metrics, previous scrapes.",
    "A mean above 0.5: scrape less often, or give this process more CPU.",
)
REQUESTS = Metric(
    "lgsp_api_request_seconds",
    "summary",
    ("route", "status"),
    "Requests to the reporting API and /metrics, and the time they took.",
    "Many of status 5xx: see this process's log.",
)

METRICS: tuple[Metric, ...] = (
    INDICATOR_VALUE,
    INDICATOR_NUMERATOR,
    INDICATOR_DENOMINATOR,
    INDICATOR_TARGET,
    INDICATOR_PERCENTILE,
    REPORTED_VALUE,
    COUNTS,
    DOSSIERS_OPEN,
    DOSSIERS_OVERDUE,
    DOSSIERS_DUE_SOON,
    RULES,
    FRESHNESS,
    AGENCY_INFO,
    LAST_EVENT,
    AGENCY_SILENT,
    AGENCIES_EXPECTED,
    AGENCIES_REPORTING,
    AGENCIES_UNKNOWN,
    PROCEDURES_UNKNOWN,
    DIRECTORY_PROBLEMS,
    WORKER_LAG,
    CUBE_READY,
    CUBE_PROGRESS,
    CUBE_LAG,
    CUBE_RECORDS,
    CUBE_UNREADABLE,
    CUBE_APPLY,
    CUBE_REBUILDS,
    CUBE_SIZE,
    LISTING_READY,
    LISTING_LAG,
    LISTING_UNREADABLE,
    LISTING_REBUILDS,
    LISTING_SIZE,
    FACTS_READY,
    FACTS_LAG,
    FACTS_REBUILDS,
    FACTS_SIZE,
    STORAGE_TROUBLE,
    STORAGE_FREE,
    RENDER,
    REQUESTS,
)
