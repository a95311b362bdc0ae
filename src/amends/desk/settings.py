"""Settings of the service, all from the environment; `docs/settings.md` explains each.

Without `DATABASE_URL` the desk uses a PostgreSQL of its own, which the command that starts the desk also starts.
"""

import os
from base64 import urlsafe_b64decode
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from amends.desk import embedded_postgres, languages

ROOMS = (
    "audit",
    "accounts",
    "journal",
    "credits",
    "usage",
    "issues",
    "payments",
    "payouts",
    "policies",
    "notices",
    "announcements",
    "orders",
    "cases",
    "importing",
    "mail",
    "reconciliation",
)
DOORS = ("portal", "console", "api", "schedule")
STATE = Path(os.environ.get("AMENDS_STATE", "var")).resolve()
"""Where a desk without services of its own keeps its database, uploads and mail."""


KEY_BYTES = 32
IS_DEMO = os.environ.get("AMENDS_DEMO") == "1"


def _demand(name: str, why: str, *, in_demo: str) -> str:
    if value := os.environ.get(name) or (in_demo if IS_DEMO else ""):
        return value
    raise ImproperlyConfigured(f"{name} is not set: {why} `bin/demo` sets everything for a trial.")


def _whole(name: str, default: int) -> int:
    text = os.environ.get(name, str(default))
    if not text.isdecimal():
        raise ImproperlyConfigured(f"{name} is {text!r}: write a whole number, such as {default}.")
    return int(text)


_PREPARED = {"server_side_binding": True, "prepare_threshold": 5}
"""The database plans a statement that comes again and again once for each connection."""
_GIVEN_UP = {
    "keepalives_idle": "5",
    "keepalives_interval": "5",
    "keepalives_count": "2",
    "tcp_user_timeout": "10000",
}
"""A connection whose network swallows everything ends after 15 seconds; else a worker would wait for hours."""


def _keys(name: str, *, in_demo: str) -> tuple[str, ...]:
    """Keys of 32 bytes in URL-safe base64, one after the other."""
    keys = tuple((os.environ.get(name) or (in_demo if IS_DEMO else "")).split())
    for key in keys:
        try:
            is_key = len(urlsafe_b64decode(key)) == KEY_BYTES
        except ValueError:
            is_key = False
        if not is_key:
            raise ImproperlyConfigured(
                f"{name}: a key is 32 random bytes in URL-safe base64; make one with "
                "`openssl rand -base64 32 | tr '+/' '-_'`. Several stand with spaces between, the newest first."
            )
    return keys


def _database(address: str) -> dict[str, object]:
    parts = urlsplit(address)
    if parts.scheme not in ("postgres", "postgresql"):
        raise ImproperlyConfigured(
            "DATABASE_URL must begin with postgresql://; the desk runs on PostgreSQL only."
        )
    asked = dict(parse_qsl(parts.query))
    options: dict[str, object] = {"connect_timeout": "5", **_GIVEN_UP, **_PREPARED, **asked}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "amends",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "OPTIONS": options,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "ATOMIC_REQUESTS": False,
    }


SECRET_KEY = _demand(
    "SECRET_KEY",
    "it signs sessions and links. Use 50 random characters, the same for web and worker.",
    in_demo="only-for-a-trial-on-this-machine",  # a demo has nothing to protect
)
EMBEDDED_POSTGRES = None if os.environ.get("DATABASE_URL") else STATE / "postgres" / "18"
DATABASE_URL = os.environ.get("DATABASE_URL") or embedded_postgres.address(STATE / "postgres" / "18")
DATABASES = {"default": _database(DATABASE_URL)}
SERVICE_ROLE = os.environ.get("AMENDS_SERVICE_ROLE", "amends_service")
"""The database role of web and worker; it cannot change books and audit."""

DEBUG = False
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "127.0.0.1,localhost").split(",")
PUBLIC_URL = os.environ.get("PUBLIC_URL", "http://127.0.0.1:8400")
CLOCK_FILE = STATE / "clock" if IS_DEMO else None

API_REQUESTS_PER_MINUTE = _whole("AMENDS_API_REQUESTS_PER_MINUTE", 600)
"""How often one key may ask."""

POLICY_NAME = os.environ.get("AMENDS_POLICY", "flux-kontext-refunds")
POLICY_NOTICE_DAYS = _whole("AMENDS_POLICY_NOTICE_DAYS", 14)
"""How many days before a version is in force customers are told of it."""
HOLIDAY_CALENDAR = os.environ.get("AMENDS_HOLIDAYS", "US")
"""Country code of the calendar that business days are counted on."""
AUTOMATIC_LIMIT = _whole("AMENDS_AUTOMATIC_LIMIT", 10_000)
SINGLE_APPROVAL_LIMIT = _whole("AMENDS_SINGLE_APPROVAL_LIMIT", 50_000)
"""In minor units, for a currency without limits of its own."""
APPROVAL_LIMITS = {"JPY": (10_000, 50_000), "KWD": (30_000, 150_000)}
"""Up to which amount nobody, and up to which one person has to agree."""

STRIPE_SECRET_KEY = _demand(
    "STRIPE_SECRET_KEY",
    "refunds are sent with it. Take a restricted key that may read charges and write refunds and subscriptions.",
    in_demo="sk_test_demo",
)
STRIPE_WEBHOOK_SECRET = _demand(
    "STRIPE_WEBHOOK_SECRET",
    "it tells the gateway's events from forged ones. Take it from the endpoint's page at the gateway.",
    in_demo="whsec_demo",
)
STRIPE_API_BASE = os.environ.get("STRIPE_API_BASE")
"""Where the gateway is; unset, Stripe itself."""

ACCOUNT_KEYS = _keys("AMENDS_ACCOUNT_KEYS", in_demo="YW1lbmRzLW9ubHktZm9yLWEtdHJpYWwtb24tbWFjaGk=")
"""Seal the bank details of customers, newest first; without any, nothing is paid by bank transfer."""
PAYER_NAME = os.environ.get("AMENDS_PAYER_NAME", "Example GmbH" if IS_DEMO else "")
PAYER_IBAN = os.environ.get("AMENDS_PAYER_IBAN", "DE02120300000000202051" if IS_DEMO else "").replace(" ", "")
PAYER_BIC = os.environ.get("AMENDS_PAYER_BIC", "")
"""Our account, from which payouts go; the bank knows its BIC where none is given."""

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "procrastinate.contrib.django",
    "anymail",
    *(f"amends.desk.{name}" for name in ROOMS),
    *(f"amends.desk.{name}" for name in DOORS),
    "amends.desk.design.apps.DesignConfig",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
]
MIDDLEWARE = [
    "amends.desk.operation.middleware.RequestLog",
    "amends.desk.api.gate.ApiGate",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "amends.desk.design.reader.ReaderLanguage",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "amends.desk.design.headers.ContentSecurity",
]
ROOT_URLCONF = "amends.desk.urls"
WSGI_APPLICATION = "amends.desk.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
LOGIN_URL = "start"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "amends.desk.portal.access.Adapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_FORMS = {"request_login_code": "amends.desk.portal.forms.SignInForm"}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_ADAPTER = "amends.desk.accounts.factors.Adapter"
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_ISSUER = "amends"
MFA_TOTP_TOLERANCE = 0
"""A code is remembered as used for its own 30 seconds only, so it must not hold longer."""
MFA_ALLOW_UNVERIFIED_EMAIL = True
"""The code by mail has proved the address."""
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = PUBLIC_URL.startswith("http://127.0.0.1")
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "django_cache"},
}
"""Rate limits live here, so that all processes share them."""
AUTH_USER_MODEL = "accounts.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
LANGUAGES = languages.offered()
PROCRASTINATE_IMPORT_PATHS = ["amends.desk.schedule.tasks"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 11 * 1024 * 1024
"""The largest request of all: a picture of 10 MB with what stands around it."""
STATIC_URL = "static/"
STATIC_ROOT = STATE / "static"
MEDIA_ROOT = STATE / "uploads"

EMAIL_BACKEND = os.environ.get(
    "EMAIL_BACKEND",
    "django.core.mail.backends.filebased.EmailBackend"
    if IS_DEMO
    else "django.core.mail.backends.smtp.EmailBackend",
)
EMAIL_FILE_PATH = STATE / "mail"
EMAIL_HOST = os.environ.get("EMAIL_HOST", "localhost")
EMAIL_PORT = _whole("EMAIL_PORT", 25)
EMAIL_HOST_USER = os.environ.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = os.environ.get("EMAIL_USE_TLS") == "1"
DEFAULT_FROM_EMAIL = os.environ.get("DEFAULT_FROM_EMAIL", "support@example.com")
"""Who letters come from, and where customers write to."""
DEVELOPERS_ADDRESS = os.environ.get("AMENDS_DEVELOPERS_MAIL", "")
"""Who is sent the reports of faults with their pictures; nobody where it is empty."""
TRUSTED_MAIL_SERVER = os.environ.get("AMENDS_TRUSTED_MAIL_SERVER", "")
"""Whose results of DKIM, SPF and DMARC count: the name that it writes into `Authentication-Results`."""
MAIL_WEBHOOK_SECRET = os.environ.get("AMENDS_MAIL_WEBHOOK_SECRET", "")
"""By which a mail provider hands letters over; without it that way in is closed."""
if MAIL_WEBHOOK_SECRET and not all(MAIL_WEBHOOK_SECRET.partition(":")):
    raise ImproperlyConfigured("AMENDS_MAIL_WEBHOOK_SECRET is not of the form user:password.")
ANYMAIL = {"WEBHOOK_SECRET": MAIL_WEBHOOK_SECRET}

MAIL_DRAFT_DAYS = _whole("AMENDS_MAIL_DRAFT_DAYS", 30)
"""How long a request that came by mail waits for its customer to confirm it."""
KEEP_UPLOADS_DAYS = _whole("AMENDS_KEEP_UPLOADS_DAYS", 180)
"""How long files stay after their case was closed; `amends retention` erases them."""

KEEP_ACCOUNTS_DAYS = _whole("AMENDS_KEEP_ACCOUNTS_DAYS", 90)
"""How long bank details stay after their payout ended; `amends retention` erases them."""

LOG_LEVEL = os.environ.get("AMENDS_LOG_LEVEL", "WARNING" if IS_DEMO else "INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"lines": {"()": "amends.desk.logs.JsonLines"}},
    "handlers": {
        "stdout": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "lines"}
    },
    "root": {"handlers": ["stdout"], "level": "WARNING"},
    "loggers": {
        "amends": {"level": LOG_LEVEL},
        "django": {"handlers": []},
        # A refused request has its own line; Django's would hold its path, in which a token may stand.
        "django.request": {"level": "ERROR"},
    },
}

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_SSL_REDIRECT = PUBLIC_URL.startswith("https")
SECURE_REDIRECT_EXEMPT = ["^(healthz|readyz|metrics)$"]
"""What runs the desk asks these inside the machine, where there is no TLS."""
SECURE_HSTS_SECONDS = 31_536_000 if SECURE_SSL_REDIRECT else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE_SSL_REDIRECT
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT
SESSION_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
