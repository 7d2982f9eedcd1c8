#!/usr/bin/env bash
# Makes a WebGPU adapter available on a Debian or Ubuntu machine without a GPU: Mesa's software rasteriser llvmpipe.
# Installs it where it is missing (as root, or with sudo), says on standard error which driver it is, and prints on
# standard output the environment that it wants:
#
#     eval "$(bash test/webgpu-adapter.sh)"
#
# Running it again changes nothing. Dawn needs Mesa >= 24: Debian 13 and Ubuntu 24.04 have it, Debian 12 in backports.
set -euo pipefail

package=mesa-vulkan-drivers
needed=24
say() { echo "webgpu-adapter: $*" >&2; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi >&2; }

installed() { dpkg-query -W -f '${Version}' "$package" 2>/dev/null || true; }
candidate() { apt-cache policy "$package" | awk '/Candidate:/ { print $2 }'; }
recent() { [ -n "$1" ] && [ "$1" != "(none)" ] && dpkg --compare-versions "$1" ge "$needed"; }

# The machine's own first source of this release, with the suite replaced: mirror and key stay the user's.
backports_source() {
  local file
  for file in /etc/apt/sources.list.d/*.sources; do
    [ -f "$file" ] || continue
    awk -v RS= -v release="$1" '
      $0 ~ "(^|\n)Types:[^\n]*deb" && $0 ~ "(^|\n)Suites:[^\n]*" release {
        lines = split($0, line, "\n")
        for (i = 1; i <= lines; i++)
          if (line[i] !~ /^#/) print line[i] ~ /^Suites:/ ? "Suites: " release "-backports" : line[i]
        exit
      }' "$file" | grep . && return
  done
  # One-line format: "deb [options] mirror suite components".
  awk -v release="$1" '
    $1 == "deb" {
      for (i = 2; i <= NF; i++) if ($i == release) { $i = release "-backports"; print; exit }
    }' /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null | grep .
}

add_backports() {
  local release=$1 entry extension
  entry=$(backports_source "$release") || { say "no apt source of $release to derive backports from"; exit 1; }
  case $entry in deb\ *) extension=list ;; *) extension=sources ;; esac
  say "adding the suite $release-backports"
  echo "$entry" | as_root tee "/etc/apt/sources.list.d/$release-backports.$extension" >/dev/null
  as_root apt-get update -q
}

if ! recent "$(installed)"; then
  # shellcheck source=/dev/null
  . /etc/os-release
  target=()
  recent "$(candidate)" || as_root apt-get update -q
  if ! recent "$(candidate)"; then
    apt-cache policy | grep -q "a=${VERSION_CODENAME:-none}-backports\b" || add_backports "${VERSION_CODENAME:-none}"
    target=(-t "$VERSION_CODENAME-backports")
  fi
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -y --no-install-recommends "${target[@]}" "$package" libvulkan1
fi

recent "$(installed)" || { say "expected $package of at least version $needed, got '$(installed)'"; exit 1; }
driver=$(find /usr/share/vulkan/icd.d -name 'lvp_icd*.json' | head -n 1)
[ -n "$driver" ] || { say "$package brought no llvmpipe driver"; exit 1; }
say "software adapter: llvmpipe of Mesa $(installed), $driver"

runtime=${XDG_RUNTIME_DIR:-${TMPDIR:-/tmp}/spheregrad-runtime-$(id -u)}
# Compiled shaders: a second process starts ten times faster.
cache=${MESA_SHADER_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/spheregrad/mesa}
mkdir -p -m 700 "$runtime" "$cache"
printf 'export %s=%q\n' XDG_RUNTIME_DIR "$runtime" MESA_SHADER_CACHE_DIR "$cache" VK_DRIVER_FILES "$driver"
