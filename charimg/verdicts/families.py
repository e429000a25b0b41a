"""The words by which services say what is wrong, as data: families of codes, of reasons and of phrases.

Vendors add codes and rephrase texts all the time, so a family is a pattern wherever a pattern is safe and a list only
where nothing but the list tells. Patterns for codes are matched against the code's words in lower case, joined
and framed by underscores (``TooManyPrompts`` is read as ``_too_many_prompts_``), which bounds every
pattern by whole words: ``rate`` never matches ``generate``. No pattern holds a nested or an unbounded repetition,
so matching takes linear time on any input.
"""

from __future__ import annotations

import re

from charimg.model import Verdict

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


def words_of(code: str) -> str:
    """The words of a machine code in lower case, framed: ``"KudosUpfront"`` gives ``"_kudos_upfront_"``.

    Of an address (problem types are often URLs) only the last part counts.
    """
    if "://" in code:
        code = code.rstrip("/").rsplit("/", 1)[-1]
    return "_" + "_".join(_WORD.findall(code)).lower() + "_"


def _codes(*patterns: str) -> re.Pattern[str]:
    return re.compile("_(?:" + "|".join(patterns) + ")_")


def _phrases(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


# -- codes ---------------------------------------------------------------------------------------------------------

CONTENT_CODES = _codes(
    # OpenAI moderation_blocked, Stability content_moderation; not a moderation service that is itself down
    r"moderat(?:ion|ed)(?!_(?:unavailable|timeout))",
    # fal and Pollinations content_policy_violation, Azure ResponsibleAIPolicyViolation and contentFilter
    r"policy_violation|content_policy|content_violation|content_filter(?:ed|ing)?",
    # Gemini and Vertex names; "safety" is also part of the names of parameters
    r"(?:image_)?safety(?!_(?:identifier|tolerance|settings?))|safety_violations?",
    r"(?:prohibited|disallowed|forbidden|inappropriate|sensitive|explicit|harmful)_(?:content|prompt|image)",
    # AI Horde CorruptPrompt; its UnsafeIP speaks of an address, not of content
    r"nsfw|unsafe(?!_ip)|corrupt_prompt|recitation|blocklist",
    r"(?:prompt|content|input|output|image)_(?:is_)?(?:blocked|flagged|filtered)",
)
"""The content policy refuses (``rejected``)."""

MONEY_CODES = _codes(
    # LiteLLM proxy budgets, OpenAI billing_hard_limit_reached, Stability payment_required, Ideogram insufficient_funds
    r"budgets?|billing|payments?|prepay(?:ment)?|credits?|funds?|(?<!load_)balance",
    # AI Horde KudosUpfront, Pollinations' currency
    r"kudos|pollen",
    # OpenAI's spend-limit codes of 2026, Ideogram's daily limit
    r"spend(?:ing)?|hard_limit|usage_limit|daily|per_day|monthly|per_month",
    # Comfy Cloud's plan refusals, which were 429 once
    r"subscription|plan|free_tier",
)
"""Money, or an allowance of a day or longer (``exhausted``)."""

QUOTA_CODES = _codes(r"quotas?")
QUOTA_SPENT = _codes(
    r"insufficient|reached|exhausted|exceeded|depleted|used|over|out|no|limit",
    # every PUBLIC_ERROR_…QUOTA… of Google's picture services
    r"public_error",
)
"""A code that speaks of a quota means a spent one (``exhausted``) when it also says so: insufficient_quota,
PUBLIC_ERROR_USER_QUOTA_REACHED."""
SHORT_QUOTA = _codes(r"minutes?|seconds?|hour|hourly|rpm|rate|rates|concurren(?:t|cy)|traffic|throttled|throttling")
"""... but a quota of a short window is a throttle."""
WINDOW_QUOTA_CODES = frozenset({"_quota_exceeded_"})
"""LocalAI's code for a window: a short wait beside it makes it a throttle."""

THROTTLE_CODES = _codes(
    r"rate_limit(?:s|ed|ing|er)?|ratelimit(?:ed|exceeded)?|throttl(?:e|ed|ing)|slow_down|traffic",
    # OpenAI server_is_overloaded, Google MODEL_OVERLOADED
    r"overload(?:ed)?|capacity|busy|queue_(?:is_)?full|service_unavailable|temporarily_unavailable",
    # Ideogram's and Google's limits of what runs at once
    r"concurren(?:t|cy)|in_?flight|already_in_progress",
    # AI Horde TooManyPrompts; TooManySteps is a request that never fits, so the things are listed
    r"too_many_(?:requests|prompts|jobs|tasks|calls|connections|generations|predictions|users"
    r"|concurrent|parallel|simultaneous|active|pending|queued|in)|toomanyrequests",
    # AI Horde NoValidWorkers, MaintenanceMode
    r"no_(?:[a-z]{1,12}_)?(?:workers?|backends?|instances?)|maintenance",
    # fal: request_timeout, startup_timeout and the whole runner_ family
    r"(?:request|start_?up|gateway|upstream|connection)_(?:timeout|timed_out)|runner|scheduling",
)
"""Too much at the moment (``throttled``)."""

FATAL_CODES = _codes(
    # Google API_KEY_INVALID, OpenAI invalid_api_key
    r"api_key(?:_[a-z]{1,12}){0,3}_(?:invalid|expired|blocked|missing|disabled|revoked)",
    r"(?:invalid|expired|missing|incorrect|wrong|no|revoked)_api_key",
    r"unauthenticated|unauthori[sz]ed|authentication",
    r"unsupported_(?:country|region|location)",
)
"""The key, the login or the region (``fatal``), whatever the status."""

NO_WORKER_CODES = _codes(r"no_(?:valid|active|available)_workers?")
"""AI Horde's, which means a wait of its own."""

RESTATED = _codes(r"too_many_requests|toomanyrequests|payment_required|service_unavailable|http_[0-9]{3}")
"""Codes that only repeat the HTTP status and so decide nothing beyond it."""

CLOUDFLARE_CODES: dict[str, Verdict] = {
    # Workers AI, errors[].code: https://developers.cloudflare.com/workers-ai/platform/errors/
    "3007": Verdict.THROTTLED,  # timeout
    "3008": Verdict.THROTTLED,  # aborted
    "3030": Verdict.REJECTED,  # NSFW
    "3036": Verdict.EXHAUSTED,  # the day's free allocation
    "3040": Verdict.THROTTLED,  # no capacity
}
"""Cloudflare's numbers; compared with ``errors[].code`` only."""

PUBLIC_ERROR = "_public_error_"
_PUBLIC_GROUPS = {
    # Google's picture services (Whisk, ImageFX, Flow): names of the front end's own enum, as of 2026-09-11.
    # UNUSUAL_ACTIVITY is left to the status: it came as 403 (fatal), and counts as traffic when it comes as 429.
    Verdict.REJECTED: """
        unsafe_generation unsafe_image_upload prominent_people_filter_failed violence_filter danger_filter
        sexual minor_upload sexual_upload prominent_people_upload photoreal_upload minor minor_harm_upload
        photoreal_input_image prominent_people_input_image minor_input_image audio_filtered ip_input_image
        image_output_ip_filter unsafe_video_upload vertex_safety_filter_triggered reputational unsafe_search
        quality_filter_failed aesthetic_filter_failed""",
    Verdict.THROTTLED: """
        user_requests_throttled high_traffic model_disabled_due_to_traffic generation_already_in_progress
        model_overloaded unusual_activity_too_much_traffic concurrent_limit_reached vertex_service_unavailable""",
    Verdict.EXHAUSTED: """
        user_quota_reached per_model_daily_quota_reached per_model_daily_quota_reached_upgradeable
        workspace_account_quota_reached vertex_quota_exhausted vertex_quota_exhausted_admin""",
    Verdict.FATAL: """
        model_access_denied app_unavailable user_region_disallowed user_minor project_not_allowlisted
        user_role_not_granted project_flow_enterprise_not_enabled""",
    Verdict.INVALID: """
        non_english_prompt unknown_image_file_format image_too_large image_too_small response_too_long
        vertex_unsupported_input""",
    Verdict.FLAKY: "unspecified something_went_wrong",
}
PUBLIC_ERRORS = {name: verdict for verdict, names in _PUBLIC_GROUPS.items() for name in names.split()}
"""The part after ``PUBLIC_ERROR_``, in lower case."""
PUBLIC_CONTENT = _codes(
    r"filter(?:ed)?|unsafe|sexual|violence|danger|minor|prominent_people|photoreal|ip_input|reputational"
)
"""Names of that enum which may be added to its policy group."""


def verdict_of_code(code: str) -> Verdict | None:
    """What one machine code means by itself, or ``None`` where it does not decide (``invalid_value``, ``429``)."""
    framed = words_of(code)
    if framed.startswith(PUBLIC_ERROR):
        known = PUBLIC_ERRORS.get(framed[len(PUBLIC_ERROR) : -1])
        if known is not None:
            return known
        if PUBLIC_CONTENT.search(framed):
            return Verdict.REJECTED
    if CONTENT_CODES.search(framed):
        return Verdict.REJECTED
    if QUOTA_CODES.search(framed) and SHORT_QUOTA.search(framed):
        return Verdict.THROTTLED
    if MONEY_CODES.search(framed) or (QUOTA_CODES.search(framed) and QUOTA_SPENT.search(framed)):
        return Verdict.EXHAUSTED
    if THROTTLE_CODES.search(framed):
        return Verdict.THROTTLED
    if FATAL_CODES.search(framed):
        return Verdict.FATAL
    return None


# -- Gemini --------------------------------------------------------------------------------------------------------

BLOCKED_FINISH = _codes(r"safety|prohibited_content|recitation|blocklist|spii")
"""``candidates[].finishReason`` of a refused picture: SAFETY, IMAGE_PROHIBITED_CONTENT, SPII. (NO_IMAGE, OTHER and
MALFORMED_RESPONSE state no reason.) Source: the enum of Google's own client."""

LONG_QUOTA = _codes(r"per_day|daily|per_week|weekly|per_month|monthly")
"""Names of quotas whose window no wait of minutes outlasts: GenerateRequestsPerDayPerProjectPerModel."""

_COUNT = r"([0-9]{1,3}(?:,[0-9]{3}){1,4}|[0-9]{1,15})(?![\d%]|\.\d|,\d)"
LIMIT = re.compile(r"\blimit:?\s{0,2}" + _COUNT, re.IGNORECASE)
"""OpenAI's "Limit 5", Gemini's "limit: 0"."""
REQUESTED = re.compile(r"\brequested:?\s{0,2}" + _COUNT, re.IGNORECASE)
"""OpenAI's "Requested 10"."""

# -- phrases: only where no code decides ---------------------------------------------------------------------------

MONEY_TEXT = _phrases(
    # Replicate, BFL, fal: "insufficient credit", "Exhausted balance. Top up your balance"
    r"\binsufficient (?:account )?(?:credit|fund|balance|kudos|pollen)",
    r"\b(?:not enough|lack(?:s|ing)? sufficient|out of|no (?:more|remaining)) (?:credit|fund|balance|pollen)",
    r"\bexhausted (?:your )?(?:account )?(?:balance|credits?|funds)\b",
    r"\bbalance (?:is |has been )?(?:exhausted|depleted|too low|insufficient)\b",
    # Gemini: "Your prepayment credits are depleted"
    r"\bcredits? (?:are |is |have been |has been )?(?:depleted|exhausted|used up)\b",
    # Cloudflare, Hugging Face
    r"\bdaily free allocation\b|\bmonthly included credits\b|\btop[ -]?up\b",
)
"""Money words of a 403 or 429. Deliberately without "billing details", which Gemini puts into every 429, and
without a bare "credit", which Replicate's throttle mentions ("while you have less than $5.0 in credit")."""

DAILY_TEXT = _phrases(
    r"\bdaily (?:[a-z]{1,12} )?(?:quota|limit|allocation|allowance|cap)\b|\bper[ _-]?day\b",
    r"\bmonthly (?:[a-z]{1,12} )?(?:quota|limit|budget|allowance|cap)\b|\b(?:billing hard|spend(?:ing)?) limit\b",
)
"""Allowances of a day or longer, in the text of an exception."""

QUEUE_FULL_TEXT = _phrases(r"\bqueue (?:is )?(?:currently )?full\b")
"""Pollinations' 402 (formerly 429): a queue of its own for every address."""
TIER_TEXT = _phrases(r"\btier (?:is )?(?:not high enough|too low)\b|\brequired tier\b")
"""Pollinations' 402 for a model beyond the account: no entitlement."""
NO_WORKER_TEXT = _phrases(r"\bno (?:active|available|valid) workers?\b")
MAINTENANCE_TEXT = _phrases(r"\b(?:in|into|under|entered|for) maintenance\b|\bmaintenance mode\b")
"""AI Horde says both with HTTP 400."""

THROTTLE_TEXT = _phrases(
    r"\brate[ -]?limit (?:exceeded|reached|hit)\b|\bexceeded (?:the |your )?rate[ -]?limit\b",
    r"\brate[ -]?limited\b|\btoo many requests\b|\brequest was throttled\b|\bqueue (?:is )?full\b",
    r"\bquota (?:exceeded|reached)\b|\bexceeded your (?:current )?quota\b",
)
"""Sentences, not words, for answers without any code: a prompt that is echoed has the words."""

CONTENT_TEXT = _phrases(
    # model errors on Replicate, Cloudflare's "Input prompt contains NSFW content"
    r"\bnsfw\b|\bflagged (?:as|by|for)\b|\b(?:was|were|been) flagged\b|\bprohibited content\b",
    r"\bsafety (?:system|check|checker|filter|filters|policy)\b|\b(?:moderation|moderated)\b",
    r"\bcontent (?:policy|policies|filter|checker|violation)\b|\bsensitive content\b",
)
"""Refusals in words, of a failed job or of a 4xx without any code."""

PRECONDITION_TEXT = _phrases(r"^precondition check failed\.?$")
"""Google's empty sentence for FAILED_PRECONDITION; any other sentence names the region or the account."""
MEMORY_TEXT = _phrases(r"\bout of memory\b|\bout_?of_?memory|\ballocation on device\b")
"""The machine that draws ran out of memory: another try may fit."""

QUOTA_WORDS = _phrases(r"(?<![a-z])quotas?(?![a-z])", r"(?<![a-z])rate[\s_-]{0,3}limit(?:s|ed|er|ing)?(?![a-z])")
"""The floor that every third-party provider gets for nothing, on the text of its exception."""
NUMBER_429 = re.compile(r"(?<![\w#.,/-])429(?!\w|[-.,/]\w|:\d)")
NUMBER_NAMED = re.compile(
    r"\b(?:seed|width|height|size|steps?|ids?|number|no|port|line|frame|position|index|pixels?|px)"
    r"[\"']?\s{0,3}[:=#.]?\s{0,3}$",
    re.IGNORECASE,
)
"""What stands before a 429 that is no status."""

QUOTED = re.compile(r"(?<!\w)(['\"`])(?=\S).{1,1000}?(?<=\S)\1(?!\w)|[«“‘][^»”’]{1,1000}[»”’]", re.DOTALL)
"""A passage in quotation marks: what a server repeats of the request rather than says."""

TOKEN = re.compile(r"(?<![A-Za-z0-9_])[A-Za-z]{2,40}(?:_[A-Za-z]{1,40}){1,8}(?![A-Za-z0-9_])")
"""A machine code in running text: snake case, so that no plain word counts."""
PLAIN_CLAIM = _codes(
    r"insufficient|reached|exhausted|exceeded|depleted|required|blocked|violation|throttled|overloaded|limited"
)
"""What such a code must also say, for running text may name a setting or a variable (``daily_pose``)."""
CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
"""The seam between two words of a class name."""


def codes_in_text(text: str) -> tuple[str, ...]:
    """The machine codes that decide something in the text of an exception, in the order found."""
    return tuple(
        token
        for token in dict.fromkeys(TOKEN.findall(text)[:64])
        if PLAIN_CLAIM.search(words_of(token)) and verdict_of_code(token) is not None
    )
