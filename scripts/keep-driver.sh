#!/bin/sh
# keep-driver.sh TEST [arguments]: run a test with Mesa's software driver kept in memory. Once the driver
# is unloaded, what only its static variables point to would look like leaks of ours.
driver=/usr/lib/$(gcc -dumpmachine)/libvulkan_lvp.so
[ -f "$driver" ] && export LD_PRELOAD="$driver" ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0"
exec "$@"
