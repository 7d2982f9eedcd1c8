#!/usr/bin/env bash
# Installs what the tests in test/browser need on a Debian machine: the package chromium (as root, or with sudo).
# Running it again changes nothing.
set -euo pipefail

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

command -v chromium >/dev/null && exit
as_root apt-get update -q
as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends chromium
