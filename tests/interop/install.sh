#!/bin/sh
# Programs that the interop tests compare with: Debian's age, and img2dataset in a venv of its own
# (it pins other versions of what we use).
set -eu
if ! command -v age >/dev/null; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq age >/dev/null
fi
if ! command -v openssl >/dev/null || ! command -v ssh-keygen >/dev/null || ! command -v jq >/dev/null; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq openssl openssh-client jq >/dev/null
fi
if ! command -v go >/dev/null || [ ! -d /usr/share/gocode/src/golang.org/x/mod ]; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq golang-go golang-golang-x-mod-dev >/dev/null
fi
if ! command -v openssl >/dev/null; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq openssl >/dev/null
fi
if ! command -v exiftool >/dev/null; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq libimage-exiftool-perl >/dev/null
fi
if ! command -v chromium >/dev/null; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
fi
python=${PYTHON:-python3}
if [ ! -e .venv-img2dataset/.ready ]; then
  "$python" -m venv .venv-img2dataset
  .venv-img2dataset/bin/python -m pip install --quiet --disable-pip-version-check 'img2dataset==1.47.0'
  touch .venv-img2dataset/.ready
fi
