"""Django settings. Everything that differs between installations comes from `var/instance.toml`."""

from __future__ import annotations

import secrets
from pathlib import Path
from urllib.parse import unquote, urlparse

from rongtong.instance import Instance, InstanceError, home_folder, read_instance


def _instance() -> Instance | None:
    # Without an instance there is nothing to serve: commands that need one stop with read_instance's message.
    home = home_folder()
    return read_instance(home) if (home / "instance.toml").exists() else None


def _database(url: str, home: Path) -> dict[str, object]:
    if not url:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": home / "rongtong.sqlite3",
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 30,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
            },
        }
    parts = urlparse(url)
    if parts.scheme not in ("postgresql", "postgres"):
        raise InstanceError(f"database = {url!r}: 只支持 postgresql://… 或留空（内置 SQLite）。")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        # Kept by each thread of the server: to connect anew for every request took longer than many a page.
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
    }


INSTANCE = _instance()
HOME = INSTANCE.home if INSTANCE else home_folder()
DEMO = bool(INSTANCE and INSTANCE.demo)
PINNED_TODAY = INSTANCE.today if INSTANCE else None
SECRET_KEY = INSTANCE.secret if INSTANCE else secrets.token_urlsafe(48)
DEBUG = False
# Addresses of reverse proxies that are believed about client and scheme; who must log in with a one-time code.
PROXIES = INSTANCE.proxies if INSTANCE else ()
SECOND_FACTOR = INSTANCE.second_factor if INSTANCE else "required"
ALLOWED_HOSTS = list(INSTANCE.hosts) if INSTANCE else ["127.0.0.1", "localhost", "testserver"]

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django_htmx",
    "rongtong.apps.packs",
    "rongtong.apps.registry",
    "rongtong.apps.records",
    "rongtong.apps.cases",
    "rongtong.apps.observations",
    "rongtong.apps.planning",
    "rongtong.apps.papers",
    "rongtong.apps.portal",
]
MIDDLEWARE = [
    "rongtong.middleware.Headers",
    "rongtong.once.Reads",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "rongtong.entering.Entering",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "rongtong.apps.registry.middleware.Logins",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "rongtong.middleware.WrongMethod",
]
ROOT_URLCONF = "rongtong.urls"
WSGI_APPLICATION = "rongtong.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "rongtong.apps.registry.context.login",
                "rongtong.apps.portal.context.instance",
            ]
        },
    }
]
DATABASES = {"default": _database(INSTANCE.database if INSTANCE else "", HOME)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "registry.Account"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "/login"
LOGIN_REDIRECT_URL = "/work"
LANGUAGE_CODE = "zh-hans"
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Production is served over TLS; only there a browser takes cookies with this prefix (no domain, path /, secure).
PRODUCTION = INSTANCE is not None and not DEMO
COOKIE_PREFIX = "__Host-" if PRODUCTION else ""
SESSION_COOKIE_NAME = f"{COOKIE_PREFIX}sessionid"
CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}csrftoken"
CSRF_FAILURE_VIEW = "rongtong.apps.registry.views_login.csrf_failure"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
# Longer than a login lasts (registry.sessions), so that its end is told and the draft belongs to its account.
SESSION_COOKIE_AGE = 24 * 60 * 60
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if PRODUCTION else 0
WHITENOISE_ALLOW_ALL_ORIGINS = False
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 20 * 1024 * 1024
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}
