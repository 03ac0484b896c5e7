#!/bin/sh
# Installs what some tests check us against, one line per peer: the Twilio emulator, Prism with Twilio's official OpenAPI
# (which its command line's core package carries), PostgreSQL 15, the SMS gateway Kannel, Chromium with a Chinese
# font. A missing peer is an error only when CANARY_REQUIRE_PEERS=1.
set -u
cd "$(dirname "$0")/.."

EMULATE=0.8.0 # "latest" is another package, and 0.12 needs a newer Node than Debian's
PRISM=5.14.2
TWILIO_CORE=9.0.0
missing=0
refreshed=""

report() { printf '%-12s %s\n' "$1" "$2"; }

lacking() { # name, how to install it
  report "$1" "MISSING: $2"
  missing=1
}

apt_install() { # packages…: quiet, and only where it can work
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
  [ -n "$refreshed" ] || { apt-get update -qq >/dev/null 2>&1; refreshed=yes; }
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1
}

npm_version() { # package
  sed -n 's/^ *"version": "\(.*\)",*$/\1/p' ".peers/node_modules/$1/package.json" 2>/dev/null | head -n 1
}

npm_peers() { # whether all stand there in the versions we want
  [ "$(npm_version emulate)" = "$EMULATE" ] && [ "$(npm_version @stoplight/prism-cli)" = "$PRISM" ] \
    && [ "$(npm_version @twilio/cli-core)" = "$TWILIO_CORE" ]
}

postgres_15() {
  [ -x /usr/lib/postgresql/15/bin/initdb ] && echo /usr/lib/postgresql/15/bin && return
  found=$(command -v pg_ctl) && "$found" --version | grep -q ' 15\.' && dirname "$(readlink -f "$found")"
}

chromium_program() { command -v chromium || command -v chromium-browser || command -v google-chrome; }

chinese_font() { fc-list :lang=zh family 2>/dev/null | head -n 1; }

packages="emulate@$EMULATE @stoplight/prism-cli@$PRISM @twilio/cli-core@$TWILIO_CORE"
if ! npm_peers && command -v npm >/dev/null; then
  # shellcheck disable=SC2086 # one argument a package
  npm install --prefix .peers --no-package-lock --no-audit --no-fund --ignore-scripts --silent $packages >/dev/null 2>&1
fi
if ! command -v node >/dev/null; then
  lacking "emulate, prism" "install Node.js 20 (apt-get install nodejs npm), then run this again"
elif npm_peers; then
  report emulate "$EMULATE, node $(node --version)"
  report prism "$PRISM, Twilio's OpenAPI of cli-core $TWILIO_CORE"
else
  lacking "emulate, prism" "npm install --prefix .peers --ignore-scripts $packages"
fi

[ -n "$(postgres_15)" ] || apt_install postgresql-15
if [ -n "$(postgres_15)" ]; then
  report postgresql "$("$(postgres_15)/postgres" --version | sed 's/^postgres (PostgreSQL) //')"
else
  lacking postgresql "as root: apt-get install postgresql-15"
fi

kannel_programs() { command -v bearerbox && command -v smsbox; }

kannel_programs >/dev/null || apt_install kannel
if kannel_programs >/dev/null; then
  report kannel "$(command -v bearerbox)"
else
  lacking kannel "as root: apt-get install kannel"
fi

[ -n "$(chromium_program)" ] || apt_install chromium
if [ -n "$(chromium_program)" ]; then
  report chromium "$(chromium_program)"
else
  lacking chromium "as root: apt-get install chromium"
fi

[ -n "$(chinese_font)" ] || apt_install fontconfig fonts-noto-cjk
if [ -n "$(chinese_font)" ]; then
  report "cjk font" "$(chinese_font)"
else
  lacking "cjk font" "as root: apt-get install fonts-noto-cjk"
fi

if [ "$missing" = 1 ] && [ "${CANARY_REQUIRE_PEERS:-}" = 1 ]; then
  exit 1
fi
