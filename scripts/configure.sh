#!/bin/sh
# configure.sh BUILD [meson options]: set the build folder up once.
set -eu
build=$1
shift
[ -f "$build/build.ninja" ] || meson setup "$build" "$@"
