r"""The shapes of credentials: (kind, keywords, pattern, least entropy in bits per character).

A pattern is tried only near one of its keywords, which each match contains as written. The first group, where there is
one, is the secret; else all of the match. Patterns begin with `\b` and a fixed text where they can: streams then hold
back nothing but what begins like a credential.

Sources: what issuers document of their tokens, such as https://docs.github.com/en/authentication,
https://docs.gitlab.com/security/tokens, https://api.slack.com/authentication/token-types, https://docs.stripe.com/keys
and https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html, and the forms that
https://docs.github.com/en/code-security/secret-scanning lists.
"""

from __future__ import annotations

from typing import NamedTuple


class SecretShape(NamedTuple):
    """See the module."""

    kind: str
    keywords: tuple[str, ...]
    pattern: str
    entropy: float = 0.0
    reach: int = 1200
    """How far behind the first byte of a keyword a match may end, in bytes."""
    lead: int = 512
    """How far before a keyword a match may begin, in bytes."""
    needs: str = ""
    """What a match also contains, behind its keyword: a keyword without it is passed over."""


_W = "[A-Za-z0-9_-]"
_A = "[A-Za-z0-9]"
_X = "[0-9a-f]"


def _prefixed(kind: str, prefix: str, chars: str, *, keyword: str = "", entropy: float = 0.0) -> SecretShape:
    """A token that begins with a fixed text; `keyword` where that is written as a pattern."""
    return SecretShape(kind, (keyword or prefix.replace("\\", ""),), rf"\b{prefix}{chars}", entropy, lead=2)


SHAPES: tuple[SecretShape, ...] = (
    SecretShape("aws_access_key", ("AKIA", "ASIA", "ABIA", "ACCA"), r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b", 2.0),
    SecretShape(
        "aws_secret_key",
        ("secret_access_key", "SecretAccessKey", "SECRET_ACCESS_KEY", "secretAccessKey"),
        r"""(?:secret_access_key|[sS]ecretAccessKey|SECRET_ACCESS_KEY)["'\\]{0,2}\s{0,3}[:=]\s{0,3}["'\\]{0,2}"""
        r"([A-Za-z0-9/+]{40})",
        3.0,
    ),
    _prefixed("aws_bedrock_key", "ABSK", r"[A-Za-z0-9+/]{100,300}={0,2}"),
    _prefixed("alibaba_access_key", "LTAI", rf"{_A}{{20}}\b", entropy=3.0),
    SecretShape("github_token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), rf"\bgh[pousr]_{_A}{{36,255}}"),
    _prefixed("github_fine_grained_token", "github_pat_", r"[A-Za-z0-9_]{60,255}"),
    SecretShape(
        "gitlab_token",
        (
            "glpat-",
            "gldt-",
            "glrt-",
            "glptt-",
            "glft-",
            "glsoat-",
            "glcbt-",
            "glimt-",
            "glagent-",
            "gloas-",
            "glffct-",
        ),
        rf"\bgl(?:pat|dt|rt|ptt|ft|soat|cbt|imt|agent|oas|ffct)-{_W}{{20,300}}",
    ),
    SecretShape(
        "slack_token",
        ("xoxb-", "xoxp-", "xoxa-", "xoxo-", "xoxr-", "xoxs-", "xoxe-", "xoxe."),
        r"\bxox(?:[aboprs]-|e[-.])[A-Za-z0-9.-]{10,300}",
    ),
    SecretShape("slack_app_token", ("xapp-",), r"\bxapp-[0-9]-[A-Z0-9]{3,30}-[0-9]{3,30}-[A-Za-z0-9]{5,100}"),
    SecretShape(
        "slack_webhook",
        ("hooks.slack.com",),
        r"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9+/]{20,100})",
    ),
    SecretShape("discord_webhook", ("/api/webhooks/",), rf"/api/webhooks/[0-9]{{17,20}}/({_W}{{60,80}})"),
    SecretShape("telegram_bot_token", (":AA",), rf"\b[0-9]{{8,10}}:AA{_W}{{32,33}}"),
    SecretShape("openai_key", ("T3BlbkFJ",), rf"\bsk-{_W}{{20,100}}T3BlbkFJ{_W}{{20,100}}"),
    SecretShape(
        "openai_project_key",
        ("sk-proj-", "sk-svcacct-", "sk-admin-", "sk-None-"),
        rf"\bsk-(?:proj|svcacct|admin|None)-{_W}{{20,300}}",
    ),
    _prefixed("anthropic_key", r"sk-ant-", rf"(?:[a-z]{{3,8}}[0-9]{{2}}-)?{_W}{{24,200}}"),
    _prefixed("asbru_key", r"sk-asb-", rf"{_W}{{16,128}}"),
    _prefixed("openrouter_key", r"sk-or-v1-", rf"{_X}{{64}}"),
    _prefixed("langfuse_key", r"sk-lf-", rf"{_X}{{8}}-{_X}{{4}}-{_X}{{4}}-{_X}{{4}}-{_X}{{12}}"),
    SecretShape("sk_key", ("sk-",), rf"\bsk-{_A}{{32,64}}\b", 3.5),
    _prefixed("groq_key", "gsk_", rf"{_A}{{48,60}}"),
    _prefixed("xai_key", "xai-", rf"{_A}{{70,100}}"),
    _prefixed("huggingface_token", "hf_", r"[A-Za-z]{34}\b"),
    _prefixed("huggingface_org_token", "api_org_", r"[A-Za-z]{34}\b"),
    _prefixed("replicate_token", "r8_", rf"{_A}{{37}}\b"),
    _prefixed("perplexity_key", "pplx-", rf"{_A}{{48}}\b"),
    _prefixed("nvidia_key", "nvapi-", rf"{_W}{{60,80}}"),
    _prefixed("pinecone_key", "pcsk_", r"[A-Za-z0-9_]{40,100}"),
    _prefixed("tavily_key", "tvly-", rf"{_W}{{20,60}}"),
    _prefixed("langsmith_key", "lsv2_", rf"(?:pt|sk)_{_X}{{32}}_{_X}{{10}}\b"),
    SecretShape("google_api_key", ("AIza",), rf"\bAIza{_W}{{35}}"),
    _prefixed("google_oauth_token", r"ya29\.", rf"{_W}{{30,300}}"),
    _prefixed("google_oauth_secret", "GOCSPX-", rf"{_W}{{28}}"),
    SecretShape(
        "stripe_key",
        ("sk_live_", "sk_test_", "rk_live_", "rk_test_", "sk_prod_", "rk_prod_"),
        rf"\b[sr]k_(?:live|test|prod)_{_A}{{10,200}}",
    ),
    _prefixed("stripe_webhook_secret", "whsec_", r"[A-Za-z0-9+/]{32,64}={0,2}"),
    SecretShape("twilio_key", ("SK",), r"\bSK[0-9a-fA-F]{32}\b", 3.0, reach=40, lead=2),
    _prefixed("sendgrid_key", r"SG\.", rf"{_W}{{20,24}}\.{_W}{{39,50}}"),
    SecretShape("mailchimp_key", ("-us",), rf"\b{_X}{{32}}-us[0-9]{{1,2}}\b", 3.0),
    _prefixed("mailgun_key", "key-", rf"{_X}{{32}}\b", entropy=3.0),
    _prefixed("sendinblue_key", "xkeysib-", rf"{_X}{{64}}-{_A}{{16}}\b"),
    _prefixed("npm_token", "npm_", rf"{_A}{{36}}\b"),
    _prefixed("pypi_token", "pypi-AgEIcHlwaS5vcmc", rf"{_W}{{50,1000}}"),
    _prefixed("rubygems_key", "rubygems_", rf"{_X}{{48}}\b"),
    _prefixed("clojars_token", "CLOJARS_", rf"{_A}{{60}}\b"),
    SecretShape("docker_token", ("dckr_pat_", "dckr_oat_"), rf"\bdckr_[po]at_{_W}{{27,40}}"),
    SecretShape("digitalocean_token", ("dop_v1_", "doo_v1_", "dor_v1_"), rf"\bdo[opr]_v1_{_X}{{64}}\b"),
    SecretShape("shopify_token", ("shpat_", "shpca_", "shppa_", "shpss_"), r"\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}\b"),
    SecretShape("square_token", ("sq0atp-", "sq0csp-"), rf"\bsq0(?:atp|csp)-{_W}{{22,60}}"),
    _prefixed("square_access_token", "EAAA", rf"{_W}{{60}}\b", entropy=3.0),
    _prefixed("linear_key", "lin_api_", rf"{_A}{{40}}\b"),
    _prefixed("notion_token", "ntn_", rf"{_A}{{40,60}}\b"),
    SecretShape("atlassian_token", ("ATATT3", "ATCTT3"), r"\bAT[AC]TT3[A-Za-z0-9_=-]{60,300}"),
    _prefixed("figma_token", "figd_", rf"{_W}{{40,60}}"),
    SecretShape(
        "grafana_token", ("glc_", "glsa_"), r"\bgl(?:c_[A-Za-z0-9+/]{32,400}={0,2}|sa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8})"
    ),
    _prefixed("databricks_token", "dapi", rf"{_X}{{32}}(?:-[0-9])?\b", entropy=3.0),
    SecretShape(
        "doppler_token",
        ("dp.pt.", "dp.st.", "dp.ct.", "dp.sa."),
        rf"\bdp\.(?:pt|st|ct|sa)\.(?:[a-z0-9_-]{{2,35}}\.)?{_A}{{40,44}}",
    ),
    SecretShape("vault_token", ("hvs.", "hvb.", "hvr."), rf"\bhv[sbr]\.{_W}{{24,300}}"),
    SecretShape("terraform_token", (".atlasv1.",), r"\.atlasv1\.[A-Za-z0-9_=-]{60,70}"),
    SecretShape("new_relic_key", ("NRAK-", "NRJS-", "NRII-"), rf"\bNR(?:AK|JS|II)-{_W}{{19,40}}"),
    SecretShape("sentry_token", ("sntrys_", "sntryu_"), r"\bsntry(?:s_[A-Za-z0-9+/=_]{60,400}|u_[0-9a-f]{64})"),
    _prefixed("postman_key", "PMAK-", rf"{_X}{{24}}-{_X}{{34}}\b"),
    SecretShape(
        "planetscale_token",
        ("pscale_tkn_", "pscale_pw_", "pscale_oauth_"),
        r"\bpscale_(?:tkn|pw|oauth)_[A-Za-z0-9=_.-]{32,64}",
    ),
    _prefixed("pulumi_token", "pul-", rf"{_X}{{40}}\b"),
    _prefixed("heroku_key", "HRKU-", rf"{_W}{{36,70}}"),
    _prefixed("age_secret_key", "AGE-SECRET-KEY-1", r"[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}"),
    _prefixed("dynatrace_token", r"dt0[cs][0-9]{2}\.", r"[A-Za-z0-9]{24}\.[A-Za-z0-9]{64}", keyword="dt0"),
    SecretShape(
        "fly_token",
        ("fo1_", "fm1_", "fm1a_", "fm1r_", "fm2_"),
        rf"\b(?:fo1_{_W}{{43}}|(?:fm1[ar]?|fm2)_[A-Za-z0-9+/]{{100,800}}={{0,3}})",
        lead=2,
    ),
    SecretShape("supabase_key", ("sbp_", "sb_secret_"), rf"\b(?:sbp_{_X}{{40}}|sb_secret_{_W}{{22,40}})"),
    _prefixed("contentful_token", "CFPAT-", rf"{_W}{{43}}"),
    SecretShape("easypost_key", ("EZAK", "EZTK"), rf"\bEZ[AT]K{_A}{{54}}\b"),
    _prefixed("frameio_token", "fio-u-", r"[A-Za-z0-9_=-]{64}"),
    _prefixed("infracost_key", "ico-", rf"{_A}{{32}}\b"),
    _prefixed("prefect_key", "pnu_", rf"{_A}{{36}}\b"),
    _prefixed("readme_key", "rdme_", r"[a-z0-9]{70}\b"),
    SecretShape("shippo_token", ("shippo_live_", "shippo_test_"), r"\bshippo_(?:live|test)_[a-fA-F0-9]{40}\b"),
    _prefixed("typeform_token", "tfp_", r"[A-Za-z0-9_.=-]{59}"),
    SecretShape("duffel_token", ("duffel_test_", "duffel_live_"), r"\bduffel_(?:test|live)_[A-Za-z0-9_=-]{43}"),
    SecretShape("flutterwave_key", ("FLWSECK",), r"\bFLWSECK(?:_TEST)?-[a-h0-9]{12,40}(?:-X)?"),
    _prefixed("adobe_secret", "p8e-", rf"{_A}{{32}}\b"),
    _prefixed("artifactory_key", "AKCp", rf"{_A}{{69}}\b"),
    SecretShape(
        "onepassword_secret_key",
        ("A3-",),
        r"\bA3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}\b",
        3.0,
        lead=2,
    ),
    _prefixed("onepassword_service_token", "ops_eyJ", r"[A-Za-z0-9+/_-]{100,1000}={0,3}"),
    _prefixed("aws_bedrock_short_key", "bedrock-api-key-", r"[A-Za-z0-9+/=]{20,1000}"),
    SecretShape("harness_key", ("pat.", "sat."), rf"\b[ps]at\.{_W}{{22}}\.{_A}{{24}}\.{_A}{{20}}\b", lead=2),
    SecretShape("intra42_secret", ("s-s4t2ud-", "s-s4t2af-"), rf"\bs-s4t2(?:ud|af)-{_X}{{64}}\b", lead=2),
    _prefixed("gitlab_session", "_gitlab_session=", r"[0-9a-z]{32}\b"),
    SecretShape("facebook_page_token", ("EAAM", "EAAC"), rf"\bEAA[MC]{_A}{{100,400}}\b", 3.5, lead=2),
    SecretShape("teams_webhook", ("webhook.office.com",), r"webhook\.office\.com/webhookb2/([A-Za-z0-9@/-]{80,200})"),
    _prefixed("openshift_token", "sha256~", rf"{_W}{{43}}"),
    SecretShape("settlemint_token", ("sm_aat_", "sm_pat_", "sm_sat_"), rf"\bsm_[aps]at_{_A}{{16}}\b", lead=2),
    _prefixed("sourcegraph_token", "sgp_", r"(?:(?:[0-9a-fA-F]{16}|local)_)?[0-9a-fA-F]{40}\b"),
    _prefixed("gitlab_runner_token", "GR1348941", rf"{_W}{{20,40}}"),
    _prefixed("cloudflare_origin_key", r"v1\.0-", rf"{_X}{{24}}-{_X}{{146}}\b"),
    _prefixed("octopus_key", "API-", r"[A-Z0-9]{26}\b", entropy=3.0),
    _prefixed("clickhouse_key", "4b1d", rf"{_A}{{38}}\b", entropy=3.8),
    SecretShape("mapbox_token", ("pk.eyJ", "sk.eyJ"), rf"\b[ps]k\.eyJ{_W}{{40,200}}\.{_W}{{20,30}}", lead=2),
    _prefixed("artifactory_reference_token", "cmVmd", rf"{_A}{{59}}\b"),
    _prefixed("yandex_key", "AQVN", r"[A-Za-z0-9_-]{35,38}\b", entropy=3.5),
    _prefixed("grafana_api_key", "eyJrIjoi", r"[A-Za-z0-9+/_-]{50,400}={0,3}"),
    _prefixed("scalingo_token", "tk-us-", rf"{_W}{{48}}"),
    SecretShape("azure_storage_key", ("AccountKey=",), r"AccountKey=([A-Za-z0-9+/]{86}==)"),
    SecretShape("azure_ad_secret", ("Q~",), r"[0-9]Q~[A-Za-z0-9_~.-]{31,34}"),
    SecretShape("jwt", ("eyJ",), rf"\beyJ{_W}{{10,}}\.eyJ{_W}{{10,}}\.{_W}{{10,}}", 3.0, 16 * 1024),
    SecretShape(
        "private_key",
        ("PRIVATE KEY",),
        r"-----BEGIN[ A-Z0-9]{0,40}PRIVATE KEY(?: BLOCK)?-----[\s\S]{16,}?-----END[ A-Z0-9]{0,40}PRIVATE KEY"
        r"(?: BLOCK)?-----",
        reach=16 * 1024,
    ),
    SecretShape(
        "private_key",
        ("PRIVATE KEY",),
        r"-----BEGIN[ A-Z0-9]{0,40}PRIVATE KEY(?: BLOCK)?-----[\s\\nr]{0,8}(?:[A-Za-z0-9+/=]{16,}[\s\\nr]{0,8})+",
        reach=16 * 1024,
    ),
    SecretShape(
        "password_in_url",
        ("://",),
        r"\b(?:postgres(?:ql)?|mysql|mariadb|mongodb(?:\+srv)?|rediss?|valkey|amqps?|mssql|clickhouse|ftps?|https?)"
        r"""(?:\+[a-z0-9]{1,20})?://[^\s:@/"'<>]{0,100}:([^\s@/"'<>{}$]{3,200})@[A-Za-z0-9\[]""",
        reach=350,
        needs="@",
    ),
    SecretShape(
        "bearer_token",
        ("earer ", "EARER "),
        r"\b(?:[Bb]earer|BEARER) ([A-Za-z0-9._~+/-]{24,1000}={0,2})",
        3.5,
    ),
)

GENERIC = SecretShape(
    "generic_secret",
    ("api_key", "apikey", "access_key", "accesskey", "auth_key", "passw", "pwd", "secret", "token"),
    r"(?i)(?:api_?key|access_?key|auth_?key|passw(?:or)?d|pwd|secret|token)[A-Za-z0-9_]{0,20}"
    r"""["'\\]{0,2}\s{0,3}(?::=|=>|[:=])\s{0,3}["'\\]{1,2}([^\s"'\\]{10,120})["'\\]""",
    3.2,
)
"""Names that say so, and a text in quotes that looks random. Keywords in lower case, for text in lower case."""
