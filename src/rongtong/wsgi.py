"""The WSGI entry point that `rongtong serve` and any WSGI server start. An instance that must not serve does not."""

import os

from django.core.wsgi import get_wsgi_application

from rongtong.doctor import why_not_serve
from rongtong.instance import InstanceError, read_instance

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rongtong.settings")
application = get_wsgi_application()
if _reasons := why_not_serve(read_instance()):
    raise InstanceError("\n".join(_reasons))
