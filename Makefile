# What people type. Everything else is Meson's: `meson test -C build --suite usd`, `ninja -C build`.
BUILD ?= build
SCENE ?= samples/gallery.usda

.PHONY: build run test sanitize fuzz bench clean deps test-deps

build: deps
	@scripts/configure.sh $(BUILD)
	@ninja -C $(BUILD)

run: build
	@$(BUILD)/stagecast serve $(SCENE)

# Every suite; ends with "N passed, N failed".
test: test-deps
	@scripts/configure.sh $(BUILD)
	@ninja -C $(BUILD)
	@scripts/run-tests.sh $(BUILD)

# The same tests under AddressSanitizer and UndefinedBehaviorSanitizer, less the browser's; before them those in
# which many threads open and read stages, under ThreadSanitizer.
sanitize: test-deps
	@scripts/configure.sh build-tsan -Db_sanitize=thread -Db_lundef=false
	@ninja -C build-tsan tests/unit/usd/test-usd-threads bench/usd/test-usd-scenes
	@build-tsan/tests/unit/usd/test-usd-threads $(CURDIR)/tests/unit/usd
	@build-tsan/bench/usd/test-usd-scenes
	@scripts/configure.sh build-asan -Db_sanitize=address,undefined -Db_lundef=false
	@ninja -C build-asan
	@scripts/run-tests.sh build-asan --no-suite e2e

# Longer fuzzing: FUZZ_SECONDS for each target.
fuzz: test-deps
	@CC=clang scripts/configure.sh build-fuzz -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false
	@ninja -C build-fuzz
	@scripts/run-fuzz.sh build-fuzz $${FUZZ_SECONDS:-60}

deps:
	@scripts/install-deps.sh

test-deps:
	@scripts/install-deps.sh --tests

clean:
	rm -rf build build-asan build-tsan build-fuzz
