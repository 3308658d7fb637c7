#!/bin/sh
# Install what building and running need from Debian; with --tests also what the tests need.
# Does nothing, quickly, when everything is there.
set -eu
cd "$(dirname "$0")/.."

build_packages='meson ninja-build gcc pkg-config glslc libvulkan-dev mesa-vulkan-drivers
    libpng-dev libjpeg62-turbo-dev libopenexr-dev libstb-dev libexpat1-dev libunistring-dev
    libglib2.0-dev libsoup-3.0-dev libjansson-dev libssl-dev libsrtp2-dev libusrsctp-dev
    libavcodec-dev libavutil-dev libyuv-dev libopus-dev libcmocka-dev'
test_packages='clang llvm libclang-rt-14-dev vulkan-validationlayers chromium fonts-dejavu-core npm
    iproute2 curl python3'

packages=$build_packages
[ "${1:-}" = --tests ] && packages="$packages $test_packages"

missing=
for p in $packages; do
    # npm may come with another node installation than Debian's
    [ "$p" = npm ] && command -v npm >/dev/null 2>&1 && continue
    dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing="$missing $p"
done

if [ -n "$missing" ]; then
    sudo=
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || { echo "Need root or sudo to install:$missing" >&2; exit 1; }
        sudo=sudo
    fi
    echo "Installing:$missing"
    $sudo apt-get update -qq
    # shellcheck disable=SC2086  # a list of words on purpose
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi

if [ "${1:-}" = --tests ] && [ ! -d tests/e2e/node_modules/playwright-core ]; then
    (cd tests/e2e && npm ci --loglevel=error --no-audit --no-fund)
fi
