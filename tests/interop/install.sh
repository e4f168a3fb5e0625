#!/bin/sh
# What the interop tests compare with: Debian programs, and img2dataset in a venv of its own
# (it pins other versions of what we use).
set -eu

missing=""
# need PACKAGE PROGRAM: Debian's package unless the program is there
need() {
  command -v "$2" >/dev/null || missing="$missing $1"
}
need age age
need strace strace
need openssl openssl
need openssh-client ssh-keygen
need jq jq
need libxml2-utils xmllint
need golang-go go
need libimage-exiftool-perl exiftool
need chromium chromium
[ -d /usr/share/gocode/src/golang.org/x/mod ] || missing="$missing golang-golang-x-mod-dev"
if [ -n "$missing" ]; then
  apt-get update -qq
  # shellcheck disable=SC2086 # one word a package
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi

python=${PYTHON:-python3}
if [ ! -e .venv-img2dataset/.ready ]; then
  "$python" -m venv .venv-img2dataset
  .venv-img2dataset/bin/python -m pip install --quiet --disable-pip-version-check 'img2dataset==1.47.0'
  touch .venv-img2dataset/.ready
fi
