# The one entry; everything is done by the scripts that it calls. They skip what is up to date.

PORT ?= 8000
PYTHON := .venv/bin/python
PAGE := http://localhost:$(PORT)/lab/index.html?room=demo&path=together.ipynb

.NOTPARALLEL:
.PHONY: help demo test test-fast lint site site-bare wheel pycrdt site-wheels matplotlib bench pictures setup-fast setup-site setup-matplotlib setup-browsers

help:  ## show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: site  ## build what is missing; serve the site and its signaling on PORT (8000)
	@echo
	@echo "Open these in two browsers; Ctrl+C ends the server:"
	@echo "  $(PAGE)&username=Ada"
	@echo "  $(PAGE)&username=Bob"
	@echo
	@.venv/bin/pyodide-rtc serve --host localhost --site demo-site/_output --port $(PORT)

test: export PYODIDE_RTC_SEEDS ?= 1
test: setup-browsers test-fast site site-bare  ## everything: lint, types, all tests, real browsers too
	@$(PYTHON) recipes/check.py
	$(PYTHON) -m pytest -m browser -n 2 --dist loadgroup

test-fast: lint  ## what needs no browser: lint, types, coverage, tests on CPython with a third of the seeds
	$(PYTHON) -m pytest tests/wire tests/protocol -m coverage -n 2 --cov
	$(PYTHON) -m pytest -m "not browser and not coverage" -n 2

lint: setup-fast  ## style, types, layers
	$(PYTHON) -m ruff check
	$(PYTHON) -m ruff format --check
	$(PYTHON) -m mypy
	.venv/bin/lint-imports

site: site-wheels  ## the demo site, into demo-site/_output
	@$(PYTHON) demo-site/build.py

site-bare: site-wheels  # without labextension and anywidget, for the test of the third bridge
	@$(PYTHON) demo-site/build.py --bare

wheel: setup-fast  ## the wheel of pyodide-rtc, into dist/
	@$(PYTHON) -m hatchling build -t wheel -d dist

pycrdt: setup-site  ## the wheel of pycrdt for Pyodide, into dist/
	@$(PYTHON) recipes/pycrdt/build.py --out dist

site-wheels: wheel pycrdt  ## both of these in one wheel for who builds a site, into dist/
	@$(PYTHON) recipes/pyodide-rtc-site/build.py --out dist

matplotlib: setup-matplotlib  ## wheels of matplotlib and numpy for the demo site; then `make site`
	@$(PYTHON) recipes/matplotlib/build.py --out dist/matplotlib

bench: setup-browsers site  ## latency, throughput, bytes, memory, storage, open documents, beside those who do the same
	$(PYTHON) tests/bench/run.py
	$(PYTHON) tests/bench/together_bench.py
	$(PYTHON) tests/bench/storage_bench.py
	$(PYTHON) tests/bench/widgets_bench.py

pictures: setup-browsers matplotlib site  # of the demo site, for README and docs
	$(PYTHON) tests/bench/pictures.py docs/pictures

setup-fast:
	@.ci/setup fast

setup-site:
	@.ci/setup site

setup-matplotlib:
	@.ci/setup matplotlib

setup-browsers:
	@.ci/setup browsers
