# make demo       two robots, one question, on real pictures and models
# make test       every test, three side by side: many of them wait for something
# make test-fast  the tests that need neither torch nor a ROS graph
# make hostile    10,000 mutated messages, 2,000 damaged files of each kind; about an hour
# make lint       ruff (rules and format) and mypy
# make clean      forget the environments and what was built

PYTHON ?= python3
CLIPS ?=
SOURCES := $(shell find facetrack_ros msg srv launch config cmake requirements -type f -not -name '*.pyc') \
	CMakeLists.txt package.xml setup.py pyproject.toml tools/make_venv.py README.md

.PHONY: demo test test-fast hostile lint clean
.DELETE_ON_ERROR:

demo: .venv/.demo
	.venv/bin/facetrack demo --out demo_out $(if $(CLIPS),--clips $(CLIPS))

test: .venv/.test
	.venv/bin/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

test-fast: .venv-fast/.done
	.venv-fast/bin/python -m pytest -n auto --dist loadfile --ignore test/ros

hostile: .venv/.test
	FACETRACK_HOSTILE_MESSAGES=10000 FACETRACK_HOSTILE_FILES=2000 .venv/bin/python -m pytest -n 2 --dist loadfile test/hostile

lint: .venv-fast/.done
	.venv-fast/bin/ruff check
	.venv-fast/bin/ruff format --check
	.venv-fast/bin/mypy

.venv/.demo: $(SOURCES)
	$(PYTHON) tools/make_venv.py models demo
	@touch $@

.venv/.test: $(SOURCES)
	$(PYTHON) tools/make_venv.py models dlib demo encryption torch quantize trackers colcon test test_models
	@touch $@ .venv/.demo

.venv-fast/.done: $(wildcard requirements/*.txt) tools/make_venv.py
	$(PYTHON) tools/make_venv.py --source models dlib demo encryption quantize lint test
	@touch $@

clean:
	rm -rf .venv .venv-fast build install log demo_out
