# make demo    two robots, one question, on real pictures and models
# make test    every test, three side by side: many of them wait for something
# make clean   forget the environment and what was built

PYTHON ?= python3
CLIPS ?=
SOURCES := $(shell find facetrack_ros msg srv launch config cmake requirements -type f -not -name '*.pyc') \
	CMakeLists.txt package.xml setup.py pyproject.toml tools/make_venv.py README.md

.PHONY: demo test clean
.DELETE_ON_ERROR:

demo: .venv/.demo
	.venv/bin/facetrack demo --out demo_out $(if $(CLIPS),--clips $(CLIPS))

test: .venv/.test
	.venv/bin/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

.venv/.demo: $(SOURCES)
	$(PYTHON) tools/make_venv.py dlib demo
	@touch $@

.venv/.test: $(SOURCES)
	$(PYTHON) tools/make_venv.py dlib demo torch quantize trackers colcon test
	@touch $@ .venv/.demo

clean:
	rm -rf .venv build install log demo_out
