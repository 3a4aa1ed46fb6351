"""The WSGI entry point that `rongtong serve` and any WSGI server start."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rongtong.settings")
application = get_wsgi_application()
