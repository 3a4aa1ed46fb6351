#!/bin/sh
# Resolves requirements/*.in into requirements/*.txt: every version and hash, for every platform, no addresses.
# Only whoever changes a dependency needs this, and with it uv.
set -eu
cd "$(dirname "$0")/.."
command -v uv >/dev/null || { echo "make lock needs uv: pip install uv" >&2; exit 2; }
# bench and dev are resolved under the versions of runtime (-c runtime.txt), so runtime comes first.
for group in runtime dev bench; do
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
        --no-header ${UPGRADE:+--upgrade} "requirements/$group.in" --output-file "requirements/$group.txt"
    echo "requirements/$group.txt: $(grep -c == "requirements/$group.txt") packages"
done
