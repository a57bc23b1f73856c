"""Settings of SkillSprout. Whatever varies is an environment variable; `.env.example` lists them all."""

import secrets
from pathlib import Path
from typing import TypeVar

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

Number = TypeVar("Number", int, float)

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

DEBUG = env.bool("DEBUG", default=False)
VAR_DIR = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var")))
VAR_DIR.mkdir(parents=True, exist_ok=True)


def secret_key() -> str:
    """Return SECRET_KEY from the environment; in DEBUG, a random one kept under `var/`."""
    key = env.str("SECRET_KEY", default="")
    if key:
        return key
    if not DEBUG:
        raise ImproperlyConfigured(
            "SECRET_KEY is not set. Set it to a long random string, or set DEBUG=1 on your own machine."
        )
    kept = VAR_DIR / "secret_key"
    if not kept.exists():
        kept.touch(mode=0o600)
        kept.write_text(secrets.token_urlsafe(50))
    return kept.read_text()


def number(name: str, *, default: Number, least: Number, most: Number) -> Number:
    """Return a number from the environment, whole where the default is.

    Raises:
        ImproperlyConfigured: It is none, or out of bounds.
    """
    kind, given = type(default), env.str(name, default=str(default))
    try:
        value = kind(given)
        if least <= value <= most:
            return value
    except ValueError:
        pass
    whole = "whole " if kind is int else ""
    raise ImproperlyConfigured(f"{name} is {given!r}. It must be a {whole}number from {least:,} to {most:,}.")


SECRET_KEY = secret_key()
# Older secrets: the sessions and calibration curves that they have signed are still good.
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["*"] if DEBUG else ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.import_export",
    "unfold.contrib.simple_history",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "template_partials",
    "django_celery_beat",
    "simple_history",
    "import_export",
    "csp",
    "skillsprout",
    "occupations",
    "profiles",
    "recommendations",
    "calibration",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "skillsprout.pages.KindAnswerMiddleware",
]

ROOT_URLCONF = "skillsprout.urls"
WSGI_APPLICATION = "skillsprout.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "occupations.services.credit_context",
            ],
        },
    }
]

DATABASE_URL = env.str("DATABASE_URL", default="") or f"sqlite:///{VAR_DIR / 'skillsprout.sqlite3'}"
DATABASES = {"default": environ.Env.db_url_config(DATABASE_URL)}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
    }
else:
    DATABASES["default"]["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", default=60)
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL", default="")
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}

AUTH_USER_MODEL = "profiles.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "profiles:login"
LOGIN_REDIRECT_URL = "profiles:start"
LOGOUT_REDIRECT_URL = "profiles:start"
SESSION_COOKIE_AGE = 60 * 60 * 24 * 180
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.bool("HTTPS", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("HTTPS", default=False) else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

CONTENT_SECURITY_POLICY = {
    "EXCLUDE_URL_PREFIXES": ["/admin/"],
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}

LANGUAGE_CODE = "en-us"
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = VAR_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
MEDIA_ROOT = VAR_DIR / "media"

REST_FRAMEWORK = {
    "DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.NamespaceVersioning",
    "DEFAULT_VERSION": "v1",
    "ALLOWED_VERSIONS": ["v1"],
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PARSER_CLASSES": [
        "skillsprout.parsers.JSONParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "skillsprout.errors.exception_handler",
    "DEFAULT_THROTTLE_CLASSES": [
        "skillsprout.throttles.AnonRateThrottle",
        "skillsprout.throttles.UserRateThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {
        "anon": env.str("API_THROTTLE_ANON", default="600/min"),
        "user": env.str("API_THROTTLE_USER", default="1200/min"),
    },
    "STRICT_JSON": True,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "SkillSprout API",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": r"/api/v[0-9]+",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "skillsprout.schema.tell_errors",
    ],
    "DESCRIPTION": (
        "Given what I can do, which jobs could I move to, and what would it take?\n\n"
        "This API includes information from the O\\*NET Database by the U.S. Department of Labor, Employment "
        "and Training Administration (USDOL/ETA). Used under the CC BY 4.0 license. O\\*NET® is a trademark of "
        "USDOL/ETA. `/api/v1/health` names the release that is loaded. Matches, gaps, tiers and training "
        "paths are SkillSprout's own and are not endorsed or tested by USDOL/ETA. Pay and outlook are figures "
        "of the U.S. Bureau of Labor Statistics."
    ),
}

CELERY_BROKER_URL = REDIS_URL or "filesystem://"
if not REDIS_URL:
    BROKER_DIR = VAR_DIR / "broker"
    for folder in ("queue", "processed", "control"):
        (BROKER_DIR / folder).mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(BROKER_DIR / "queue"),
        "data_folder_out": str(BROKER_DIR / "queue"),
        "processed_folder": str(BROKER_DIR / "processed"),
        "control_folder": str(BROKER_DIR / "control"),
        "store_processed": False,
    }
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_TIME_LIMIT = env.int("TASK_TIME_LIMIT_SECONDS", default=3600)
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_TIMEZONE = TIME_ZONE

UNFOLD = {
    "SITE_TITLE": "SkillSprout",
    "SITE_HEADER": "SkillSprout",
    # Every page that shows O*NET's data credits it; the release is on the page of releases.
    "SITE_SUBHEADER": "O*NET® by USDOL/ETA, CC BY 4.0",
    "SITE_SYMBOL": "potted_plant",
    "COLORS": {
        "primary": {
            "50": "#eef7f0",
            "100": "#d8ecdd",
            "200": "#b3dabf",
            "300": "#86c29a",
            "400": "#58a675",
            "500": "#3a8a5a",
            "600": "#2a6a46",
            "700": "#225639",
            "800": "#1c452f",
            "900": "#173927",
            "950": "#0b2016",
        }
    },
}
IMPORT_EXPORT_USE_TRANSACTIONS = True
SIMPLE_HISTORY_REVERT_DISABLED = True

# O*NET
ONET_RELEASE_MAX_UNPACKED_MB = env.int("ONET_RELEASE_MAX_UNPACKED_MB", default=500)
ONET_API_KEY = env.str("ONET_API_KEY", default="")
ONET_USERNAME = env.str("ONET_USERNAME", default="")
ONET_PASSWORD = env.str("ONET_PASSWORD", default="")
ONET_BASE_URL = env.str("ONET_BASE_URL", default="")
ONET_REQUESTS_PER_SECOND = env.float("ONET_REQUESTS_PER_SECOND", default=4)
ONET_CONNECT_SECONDS = env.float("ONET_CONNECT_SECONDS", default=10)
ONET_READ_SECONDS = env.float("ONET_READ_SECONDS", default=30)
ONET_TRIES = env.int("ONET_TRIES", default=5)
ONET_LONGEST_WAIT_SECONDS = env.float("ONET_LONGEST_WAIT_SECONDS", default=60)
ONET_RELEASE_URL = env.str("ONET_RELEASE_URL", default="https://www.onetcenter.org/dl_files/database/db_31_0_text.zip")
ONET_RELEASES_PAGE = env.str("ONET_RELEASES_PAGE", default="https://www.onetcenter.org/db_releases.html")

# Scoring: the bounds of the tiers (percent unless said otherwise)
MODEL_VERSION = env.str("MODEL_VERSION", default="v2_level")
READY_NOW_MATCH_THRESHOLD = number("READY_NOW_MATCH_THRESHOLD", default=75.0, least=0.0, most=100.0)
READY_NOW_GAP_THRESHOLD = number("READY_NOW_GAP_THRESHOLD", default=25.0, least=0.0, most=100.0)
TRAINABLE_MATCH_THRESHOLD = number("TRAINABLE_MATCH_THRESHOLD", default=50.0, least=0.0, most=100.0)
TRAINABLE_GAP_THRESHOLD = number("TRAINABLE_GAP_THRESHOLD", default=55.0, least=0.0, most=100.0)
# The same for the level-aware model: percent, O*NET levels (0-7), job zones and months.
V2_THRESHOLDS = {
    "ready_readiness": number("V2_READY_READINESS", default=85.0, least=0.0, most=100.0),
    "ready_knowledge": number("V2_READY_KNOWLEDGE", default=84.0, least=0.0, most=100.0),
    "ready_shortfall": number("V2_READY_SHORTFALL", default=2.25, least=0.0, most=7.0),
    "ready_shortfall_unchecked": number("V2_READY_SHORTFALL_UNCHECKED", default=1.5, least=0.0, most=7.0),
    "ready_zone_steps": number("V2_READY_ZONE_STEPS", default=0, least=-4, most=4),
    "ready_needs_all_known": env.bool("V2_READY_NEEDS_ALL_KNOWN", default=False),
    "trainable_readiness": number("V2_TRAINABLE_READINESS", default=65.0, least=0.0, most=100.0),
    "trainable_knowledge": number("V2_TRAINABLE_KNOWLEDGE", default=55.0, least=0.0, most=100.0),
    "trainable_shortfall": number("V2_TRAINABLE_SHORTFALL", default=3.0, least=0.0, most=7.0),
    "trainable_zone_steps": number("V2_TRAINABLE_ZONE_STEPS", default=1, least=-4, most=4),
    "trainable_licence_months": number("V2_TRAINABLE_LICENCE_MONTHS", default=18.0, least=0.0, most=1_200.0),
    "top_zone": number("V2_TOP_ZONE", default=5, least=1, most=6),
    "core_importance": number("V2_CORE_IMPORTANCE", default=3.0, least=1.0, most=5.0),
    "core_size": number("V2_CORE_SIZE", default=8, least=1, most=35),
    "known_share": number("V2_KNOWN_SHARE", default=0.6, least=0.0, most=1.0),
    "above_zone_steps": number("V2_ABOVE_ZONE_STEPS", default=2, least=-4, most=4),
    "above_slack": number("V2_ABOVE_SLACK", default=1.5, least=0.0, most=7.0),
    "above_surplus": number("V2_ABOVE_SURPLUS", default=1.0, least=0.0, most=7.0),
    "rated_error": number("V2_RATED_ERROR", default=0.75, least=0.0, most=7.0),
    "assumed_error": number("V2_ASSUMED_ERROR", default=1.0, least=0.0, most=7.0),
}
LIMIT_PER_BUCKET = number("LIMIT_PER_BUCKET", default=10, least=1, most=100)

# Learning from feedback
EXPLORATION_EPSILON = number("EXPLORATION_EPSILON", default=0.1, least=0.0, most=1.0)
# A list keeps it as a small number of the database.
EXPLORATION_POOL = number("EXPLORATION_POOL", default=20, least=0, most=32_767)
PAGES_USE_CALIBRATION = env.bool("PAGES_USE_CALIBRATION", default=True)
CALIBRATION_TARGET = env.str("CALIBRATION_TARGET", default="interest")
if CALIBRATION_TARGET not in ("interest", "outcome"):
    raise ImproperlyConfigured(f"CALIBRATION_TARGET is {CALIBRATION_TARGET!r}. It must be interest or outcome.")
CALIBRATION_AUTO_PROMOTE = env.bool("CALIBRATION_AUTO_PROMOTE", default=True)
CALIBRATION_LIVE_MAX_ERROR = number("CALIBRATION_LIVE_MAX_ERROR", default=0.1, least=0.01, most=1.0)
MODEL_TRAINING_MIN_SAMPLES = number("MODEL_TRAINING_MIN_SAMPLES", default=50, least=1, most=1_000_000)
LABEL_MATURITY = {
    "save_days": number("SAVE_MATURITY_DAYS", default=14.0, least=0.001, most=3_650.0),
    "apply_days": number("APPLY_MATURITY_DAYS", default=14.0, least=0.001, most=3_650.0),
    "interview_days": number("INTERVIEW_MATURITY_DAYS", default=60.0, least=0.001, most=3_650.0),
    "offer_days": number("OFFER_MATURITY_DAYS", default=90.0, least=0.001, most=3_650.0),
}
PERIODIC_TRAINING_CRON = env.str("PERIODIC_TRAINING_CRON", default="0 2 * * *")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "class": "skillsprout.logs.MaskingFormatter",
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    # Django's own handlers would write ids in full, and in DEBUG each line twice.
    "loggers": {name: {"handlers": [], "propagate": True} for name in ("django", "django.server")},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
}
