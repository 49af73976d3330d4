# Poolmark. `make help` lists what can be made; `make` builds what it can and says what to do next.
#
# Of one's own: CC CFLAGS CPPFLAGS LDFLAGS CLANG MPICC MPIRUN PKG_CONFIG, prefix and DESTDIR, WERROR=1 (warnings
# are errors) and V=1 (show the commands).

# --- what is built from what ----------------------------------------------------------------------

# Folders under src/ whose files, all of them, are part of a program.
DRIVER_FOLDERS   := base record topo work sched stats model run report cli
CELL_FOLDERS     := base record topo work sched procpool
MPI_CELL_FOLDERS := base record topo work sched

# What libprocpool consists of, beside inline functions in headers of base and sched.
PROCPOOL_SOURCES := $(wildcard src/procpool/*.c) src/sched/ticket.c

# Files of src/cell that are part of a program.
CELL_FILES     := main.c sampler.c noise.c calibrate.c worker.c seq.c procpool.c
MPI_CELL_FILES := main.c sampler.c noise.c calibrate.c worker.c mpi.c $(notdir $(wildcard src/cell/mpi_*.c src/cell/ranks*.c))

# Files of src/cell that need OpenMP, in either program.
CELL_OPENMP_FILES     := openmp.c
MPI_CELL_OPENMP_FILES := hybrid.c

# Files of src/cell that poolmark-cell-llvm has compiled by clang, for LLVM's OpenMP; all else it shares with
# poolmark-cell. No program has both runtimes: LLVM's answers to the calls of GNU's too.
LLVM_CELL_FILES := main.c openmp.c

# What unit tests cannot be linked with.
MAIN_FILES := src/cli/main.c src/cell/main.c

# What must be there, and what may be absent (names as in scripts/setup.sh).
REQUIRED := cc hwloc gsl jansson inih
OPTIONAL := openmp libomp mpi mpi-openmp gnuplot

# Goals for which a compiler is enough.
LIBRARY_GOALS := library examples install-library

# --- what the user may set ------------------------------------------------------------------------

CFLAGS     ?= -O2 -g
CLANG      ?= clang
MPICC      ?= mpicc
MPIRUN     ?= mpirun
PKG_CONFIG ?= pkg-config
prefix     ?= /usr/local

builddir      = build
bindir        = $(prefix)/bin
libexecdir    = $(prefix)/libexec/poolmark
libdir        = $(prefix)/lib
pkgconfigdir  = $(libdir)/pkgconfig
includedir    = $(prefix)/include
datadir       = $(prefix)/share/poolmark
mandir        = $(prefix)/share/man
completiondir = $(prefix)/share/bash-completion/completions
docdir        = $(prefix)/share/doc/poolmark
pooldocdir    = $(prefix)/share/doc/procpool
INSTALL       = install
OBJCOPY       = objcopy

VERSION := $(shell sed -n 's/^.define POOLMARK_VERSION "\(.*\)"/\1/p' src/base/version.h)

# --- how make runs --------------------------------------------------------------------------------

MAKEFLAGS += --no-builtin-rules --no-print-directory
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

# As many jobs as there are CPUs; a -j on the command line counts for more.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2)
endif

# Goals that compile nothing in this make: they need nothing, or install what is absent and then run make again.
goals     := $(or $(MAKECMDGOALS),all)
apart     := help setup bench check model lint format dist clean distclean uninstall uninstall-library installcheck
ifneq ($(filter-out $(apart),$(goals)),)
compiling := yes
endif
ifeq ($(filter-out $(apart) $(LIBRARY_GOALS),$(goals)),)
REQUIRED := cc
OPTIONAL :=
endif
ifneq ($(and $(filter $(apart),$(goals)),$(word 2,$(goals))),)
.NOTPARALLEL: # `make clean all` means one after the other
endif

ifndef V
Q := @
say = @printf '  %-5s %s\n' '$1' '$@';
endif

quote = '$(subst ','\'',$1)'

# Writes a text to the target when it differs from what is there, so that only a change is seen.
define write_if_changed
	@mkdir -p $(@D)
	@printf '%s\n' $(call quote,$1) >$@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi
endef

# --- what is here ---------------------------------------------------------------------------------

ifdef compiling
tools = CC=$(call quote,$(CC)) CPPFLAGS=$(call quote,$(CPPFLAGS)) LDFLAGS=$(call quote,$(LDFLAGS)) CLANG=$(call quote,$(CLANG)) \
         MPICC=$(call quote,$(MPICC)) MPIRUN=$(call quote,$(MPIRUN)) PKG_CONFIG=$(call quote,$(PKG_CONFIG))
have   := $(shell $(tools) scripts/setup.sh --have)
absent := $(filter-out $(have),$(REQUIRED))
ifneq ($(absent),)
$(shell { echo 'poolmark cannot be built here; absent:'; scripts/setup.sh --explain $(absent); } >&2)
$(error nothing was built)
endif
absent := $(filter-out $(have) $(if $(filter mpi,$(have)),,mpi-openmp),$(OPTIONAL))

pkg_cflags = $(shell $(PKG_CONFIG) --cflags $1 2>/dev/null)
pkg_libs   = $(or $(shell $(PKG_CONFIG) --libs $1 2>/dev/null),$2)

HWLOC_LIBS   := $(call pkg_libs,hwloc,-lhwloc)
GSL_LIBS     := $(call pkg_libs,gsl,-lgsl -lgslcblas -lm)
JANSSON_LIBS := $(call pkg_libs,jansson,-ljansson)
INIH_LIBS    := $(call pkg_libs,inih,-linih)
CHECK_LIBS   := $(call pkg_libs,check,-lcheck)
CHECK_CFLAGS := $(call pkg_cflags,check)
PKG_CFLAGS   := $(foreach p,hwloc gsl jansson inih,$(call pkg_cflags,$p))

ifneq ($(filter openmp,$(have)),)
CELL_OPENMP := -DHAVE_OPENMP
CELL_FILES  += $(CELL_OPENMP_FILES)
OPENMP      := -fopenmp
endif
ifneq ($(filter mpi-openmp,$(have)),)
MPI_CELL_OPENMP := -DHAVE_OPENMP
MPI_CELL_FILES  += $(MPI_CELL_OPENMP_FILES)
MPI_OPENMP      := -fopenmp
endif
endif

# --- flags ----------------------------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes $(if $(WERROR),-Werror)
COMPILE   = -std=c11 -D_GNU_SOURCE $(WARNINGS) -pthread -Isrc -I$(builddir) $(PKG_CFLAGS) $(CPPFLAGS) $(CFLAGS)

DRIVER_LIBS   = $(HWLOC_LIBS) $(GSL_LIBS) $(INIH_LIBS) $(JANSSON_LIBS) -ldl -lm -pthread
CELL_LIBS     = $(HWLOC_LIBS) $(JANSSON_LIBS) -ldl -lm -pthread $(OPENMP)
MPI_CELL_LIBS = $(HWLOC_LIBS) $(JANSSON_LIBS) -ldl -lm -pthread $(MPI_OPENMP)

LLVM_OPENMP    := -fopenmp=libomp
LLVM_CELL_LIBS  = $(HWLOC_LIBS) $(JANSSON_LIBS) -ldl -lm -pthread $(LLVM_OPENMP)

# The pool by itself depends on libc alone.
PROCPOOL_COMPILE = -std=c11 -D_GNU_SOURCE $(WARNINGS) -pthread -Isrc $(CPPFLAGS) $(CFLAGS) -fPIC -fvisibility=hidden \
                   -include src/procpool/export.h
PROCPOOL_LINK    = -shared -Wl,-soname,$(PROCPOOL_SONAME) -Wl,--version-script=src/procpool/procpool.map -Wl,--no-undefined

# The last -O counts; without one the compiler does not optimise.
optimised := $(if $(filter-out -O0,$(lastword -O0 $(filter -O%,$(CPPFLAGS) $(CFLAGS)))),1,0)

# --- files ----------------------------------------------------------------------------------------

sources_in = $(sort $(foreach folder,$1,$(wildcard src/$(folder)/*.c)))
objects_of = $(patsubst %.c,$(builddir)/%.o,$1)

DRIVER_OBJECTS   := $(call objects_of,$(call sources_in,$(DRIVER_FOLDERS)))
CELL_OBJECTS     := $(call objects_of,$(call sources_in,$(CELL_FOLDERS)) $(addprefix src/cell/,$(CELL_FILES)))
LLVM_OWN_OBJECTS  := $(LLVM_CELL_FILES:%.c=$(builddir)/llvm/cell/%.o)
LLVM_CELL_OBJECTS := $(filter-out $(LLVM_CELL_FILES:%.c=$(builddir)/src/cell/%.o),$(CELL_OBJECTS)) $(LLVM_OWN_OBJECTS)
MPI_OWN_OBJECTS  := $(MPI_CELL_FILES:%.c=$(builddir)/mpi/cell/%.o)
MPI_CELL_OBJECTS := $(call objects_of,$(call sources_in,$(MPI_CELL_FOLDERS))) $(MPI_OWN_OBJECTS)

LIBRARY         := $(builddir)/libpoolmark.a
LIBRARY_OBJECTS := $(filter-out $(call objects_of,$(MAIN_FILES)),$(sort $(DRIVER_OBJECTS) $(CELL_OBJECTS)))
MPI_LIBRARY         := $(builddir)/mpi/libcell.a
MPI_LIBRARY_OBJECTS := $(filter-out %/main.o,$(MPI_CELL_OBJECTS))

PROGRAMS := poolmark poolmark-cell $(patsubst libomp,poolmark-cell-llvm,$(filter libomp,$(have))) \
            $(patsubst mpi,poolmark-cell-mpi,$(filter mpi,$(have)))

PROCPOOL_SONAME  := libprocpool.so.0
PROCPOOL_OBJECTS := $(PROCPOOL_SOURCES:src/%.c=$(builddir)/pic/%.o)
PROCPOOL_FILES   := $(addprefix $(builddir)/,libprocpool.a $(PROCPOOL_SONAME) procpool.pc)
EXAMPLES         := $(patsubst docs/examples/%.c,$(builddir)/examples/%,$(wildcard docs/examples/*.c))

UNIT_TESTS := $(patsubst tests/unit/%.c,$(builddir)/tests/unit/%,$(wildcard tests/unit/test_*.c))
NOISE_TESTS := $(patsubst tests/noise/%.c,$(builddir)/tests/noise/%,$(wildcard tests/noise/*.c))
MPI_TESTS  := $(patsubst tests/mpi/%.c,$(builddir)/tests/mpi/%,$(wildcard tests/mpi/*.c))
RUNTIME_TESTS := $(foreach runtime,$(patsubst openmp,gomp,$(patsubst libomp,llvm,$(filter openmp libomp,$(have)))), \
                   $(patsubst tests/runtimes/%.c,$(builddir)/tests/runtimes/%-$(runtime),$(wildcard tests/runtimes/*.c)))
FIXTURES   := $(patsubst tests/fixtures/%.c,$(builddir)/fixtures/%.so,$(wildcard tests/fixtures/*.c))
FAULTS     := $(patsubst tests/faults/%.c,$(builddir)/faults/%,$(wildcard tests/faults/test_*.c))
WATCHED    := $(patsubst tests/valgrind/%.c,$(builddir)/valgrind/%,$(wildcard tests/valgrind/*.c))
MOCKS      := $(patsubst tests/mock/%.c,$(builddir)/mock/%,$(wildcard tests/mock/*.c))

# The pool's sources once more, with the points at which the fault tests end it.
FAULT_OBJECTS := $(patsubst %.c,$(builddir)/faults/%.o,$(call sources_in,base sched procpool) \
                    $(filter-out tests/faults/test_%.c,$(wildcard tests/faults/*.c)))

BENCHES       := $(addprefix $(builddir)/bench/,pool claim)
BENCH_OBJECTS := $(call objects_of,$(call sources_in,base sched stats procpool))

# --- build ----------------------------------------------------------------------------------------

.PHONY: all programs library examples notes FORCE
all: programs library notes ## build the programs and the library (the default)
	@echo "built: $(strip $(PROGRAMS)), libprocpool. Next: ./poolmark run configs/quick.ini looks at this machine, make bench runs the articles' experiments"

programs: $(PROGRAMS)

library: $(PROCPOOL_FILES) ## build the process pool alone, static and shared, under build/

examples: $(EXAMPLES) ## build the library's examples, under build/examples/

notes: | programs library
	@:
ifneq ($(absent),)
	@echo 'built without these parts, which are absent:'
	@$(tools) scripts/setup.sh --explain $(absent) 2>&1
endif

poolmark: $(DRIVER_OBJECTS) $(builddir)/link
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(DRIVER_OBJECTS) $(DRIVER_LIBS)

poolmark-cell: $(CELL_OBJECTS) $(builddir)/link
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(CELL_OBJECTS) $(CELL_LIBS)

poolmark-cell-llvm: $(LLVM_CELL_OBJECTS) $(builddir)/link
	$(call say,LINK)
	$(Q)$(CLANG) $(CFLAGS) $(LDFLAGS) -o $@ $(LLVM_CELL_OBJECTS) $(LLVM_CELL_LIBS)

poolmark-cell-mpi: $(MPI_CELL_OBJECTS) $(builddir)/link
	$(call say,LINK)
	$(Q)$(MPICC) $(CFLAGS) $(LDFLAGS) -o $@ $(MPI_CELL_OBJECTS) $(MPI_CELL_LIBS)

$(builddir)/src/cell/%.o: OWN = $(CELL_OPENMP)
$(addprefix $(builddir)/src/cell/,$(CELL_OPENMP_FILES:.c=.o)): OWN = $(CELL_OPENMP) $(OPENMP)
$(builddir)/llvm/cell/%.o: OWN = -DPOOLMARK_CELL_LLVM -DHAVE_OPENMP $(LLVM_OPENMP)
$(builddir)/mpi/cell/%.o: OWN = -DPOOLMARK_CELL_MPI $(MPI_CELL_OPENMP)
$(addprefix $(builddir)/mpi/cell/,$(MPI_CELL_OPENMP_FILES:.c=.o)): OWN = -DPOOLMARK_CELL_MPI $(MPI_CELL_OPENMP) $(MPI_OPENMP)

$(builddir)/src/%.o: src/%.c $(builddir)/compile | $(builddir)/build_info.h
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(COMPILE) $(OWN) -MMD -MP -c -o $@ $<

$(builddir)/llvm/cell/%.o: src/cell/%.c $(builddir)/compile | $(builddir)/build_info.h
	@mkdir -p $(@D)
	$(call say,CLANG)
	$(Q)$(CLANG) $(COMPILE) $(OWN) -MMD -MP -c -o $@ $<

$(builddir)/mpi/cell/%.o: src/cell/%.c $(builddir)/compile | $(builddir)/build_info.h
	@mkdir -p $(@D)
	$(call say,MPICC)
	$(Q)$(MPICC) $(COMPILE) $(OWN) -MMD -MP -c -o $@ $<

$(LIBRARY): $(LIBRARY_OBJECTS) $(builddir)/link
	$(call say,AR)
	@rm -f $@
	$(Q)$(AR) qcs $@ $(LIBRARY_OBJECTS)

$(MPI_LIBRARY): $(MPI_LIBRARY_OBJECTS) $(builddir)/link
	$(call say,AR)
	@rm -f $@
	$(Q)$(AR) qcs $@ $(MPI_LIBRARY_OBJECTS)

$(builddir)/pic/%.o: src/%.c $(builddir)/pic.compile
	@mkdir -p $(@D)
	$(call say,PIC)
	$(Q)$(CC) $(PROCPOOL_COMPILE) -MMD -MP -c -o $@ $<

# One object, in which names that are not public are made its own: they cannot clash with those of a program.
$(builddir)/libprocpool.o: $(PROCPOOL_OBJECTS)
	$(call say,LINK)
	$(Q)$(CC) -r -nostdlib -o $@ $(PROCPOOL_OBJECTS)
	$(Q)$(OBJCOPY) --localize-hidden $@

$(builddir)/libprocpool.a: $(builddir)/libprocpool.o
	$(call say,AR)
	@rm -f $@
	$(Q)$(AR) qcs $@ $<

$(builddir)/$(PROCPOOL_SONAME): $(PROCPOOL_OBJECTS) src/procpool/procpool.map $(builddir)/pic.compile
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(PROCPOOL_LINK) -o $@ $(PROCPOOL_OBJECTS) -pthread

# Folders below prefix are given by it, so that pkg-config can move them.
below_prefix = $(patsubst $(prefix)/%,$${prefix}/%,$1)

$(builddir)/procpool.pc: src/procpool/procpool.pc.in FORCE
	@mkdir -p $(@D)
	@sed -e 's|@prefix@|$(prefix)|' -e 's|@libdir@|$(call below_prefix,$(libdir))|' \
	    -e 's|@includedir@|$(call below_prefix,$(includedir))|' -e 's|@version@|$(VERSION)|' $< >$@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

$(builddir)/examples/%: docs/examples/%.c $(builddir)/libprocpool.a
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(WARNINGS) -Isrc/procpool $(CPPFLAGS) $(CFLAGS) -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $< \
	    $(builddir)/libprocpool.a -pthread

# A change of these texts is a change of every object, or of every program.
$(builddir)/compile: FORCE
	$(call write_if_changed,$(CC) $(CLANG) $(MPICC) $(COMPILE) $(CELL_OPENMP) $(MPI_CELL_OPENMP))

$(builddir)/pic.compile: FORCE
	$(call write_if_changed,$(CC) $(PROCPOOL_COMPILE) $(LDFLAGS) $(PROCPOOL_LINK) $(PROCPOOL_OBJECTS))

$(builddir)/link: FORCE
	$(call write_if_changed,$(LDFLAGS) $(DRIVER_LIBS) $(OPENMP) $(LLVM_OPENMP) $(MPI_OPENMP) $(sort $(DRIVER_OBJECTS) $(CELL_OBJECTS) $(MPI_CELL_OBJECTS)))

# How the programs were built, for their own records. A tree that is not its own repository has no id.
$(builddir)/build_info.h: FORCE
	@mkdir -p $(@D)
	@define() { printf '#define %s "%s"\n' "$$1" "$$(printf '%s' "$$2" | sed 's/["\\]/\\&/g')"; }; \
	id=unknown; [ ! -e .git ] || id=$$(GIT_OPTIONAL_LOCKS=0 git describe --always --dirty 2>/dev/null) || id=unknown; \
	{ \
	    echo '/* Made by the Makefile: how this program was built. */'; \
	    echo '#ifndef POOLMARK_BUILD_INFO_H'; \
	    echo '#define POOLMARK_BUILD_INFO_H'; \
	    define BUILD_CC "$$($(CC) --version 2>/dev/null | head -n 1)"; \
	    define BUILD_CFLAGS $(call quote,$(strip -std=c11 $(CPPFLAGS) $(CFLAGS))); \
	    define BUILD_GIT "$$id"; \
	    echo '#define BUILD_OPTIMISED $(optimised)'; \
	    echo '#endif'; \
	} >$@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

-include $(wildcard $(builddir)/src/*/*.d $(builddir)/llvm/cell/*.d $(builddir)/mpi/cell/*.d $(builddir)/tests/*/*.d $(builddir)/mock/*.d \
           $(builddir)/fixtures/*.d $(builddir)/pic/*/*.d $(builddir)/examples/*.d $(builddir)/bench/*.d $(builddir)/valgrind/*.d \
           $(builddir)/faults/*.d $(builddir)/faults/*/*/*.d)

# --- tests ----------------------------------------------------------------------------------------

# What the tests need when they run as root, as in a container, and on few CPUs.
export OMPI_ALLOW_RUN_AS_ROOT ?= 1
export OMPI_ALLOW_RUN_AS_ROOT_CONFIRM ?= 1

SANITIZE := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all

.PHONY: check unit-tests faults test-programs bench bench-pool plots
check: ## install what is absent, build, and run all tests
	@scripts/setup.sh check
	@$(MAKE) programs library notes
	@$(MAKE) -k test-programs || true # a test that does not compile is one that fails
	@$(MAKE) -k unit-tests faults builddir=build/asan WERROR= CFLAGS=$(call quote,$(CFLAGS) $(SANITIZE)) || true
	@MPIRUN=$(call quote,$(MPIRUN)) scripts/run-tests.sh

.PHONY: model
model: ## check the protocols with spin
	@scripts/setup.sh check
	@scripts/check-models.sh

unit-tests: $(if $(filter check,$(have)),$(UNIT_TESTS))
faults: $(FAULTS)
test-programs: unit-tests faults $(NOISE_TESTS) $(RUNTIME_TESTS) $(WATCHED) $(FIXTURES) $(MOCKS) $(BENCHES) $(if $(filter mpi,$(have)),$(MPI_TESTS))

# Compiled and linked in one step; the old program goes first, so that what runs is what was built.
$(builddir)/tests/unit/%: tests/unit/%.c $(LIBRARY)
	@mkdir -p $(@D); rm -f $@
	$(call say,TEST)
	$(Q)$(CC) $(COMPILE) $(CELL_OPENMP) -Itests/unit $(CHECK_CFLAGS) -MMD -MP -MF $@.d -MT $@ $(LDFLAGS) -o $@ $< \
	    $(LIBRARY) $(DRIVER_LIBS) $(OPENMP) $(CHECK_LIBS)

# What disturbs cells.
$(builddir)/tests/noise/%: tests/noise/%.c $(LIBRARY)
	@mkdir -p $(@D); rm -f $@
	$(call say,TEST)
	$(Q)$(CC) $(COMPILE) -MMD -MP -MF $@.d -MT $@ $(LDFLAGS) -o $@ $< $(LIBRARY) $(DRIVER_LIBS) $(OPENMP)

# Each with both OpenMP runtimes; of LLVM's an own openmp.o, so that the library's is not taken.
RUNTIME_TEST_LIBS = $(LIBRARY) $(HWLOC_LIBS) $(JANSSON_LIBS) -ldl -lm -pthread

$(builddir)/tests/runtimes/%-gomp: tests/runtimes/%.c $(LIBRARY)
	@mkdir -p $(@D); rm -f $@
	$(call say,TEST)
	$(Q)$(CC) $(COMPILE) $(OPENMP) -MMD -MP -MF $@.d -MT $@ $(LDFLAGS) -o $@ $< $(RUNTIME_TEST_LIBS)

$(builddir)/tests/runtimes/%-llvm: tests/runtimes/%.c $(builddir)/llvm/cell/openmp.o $(LIBRARY)
	@mkdir -p $(@D); rm -f $@
	$(call say,TEST)
	$(Q)$(CLANG) $(COMPILE) $(LLVM_OPENMP) -MMD -MP -MF $@.d -MT $@ $(LDFLAGS) -o $@ $< \
	    $(builddir)/llvm/cell/openmp.o $(RUNTIME_TEST_LIBS)

$(builddir)/tests/mpi/%: tests/mpi/%.c $(MPI_LIBRARY)
	@mkdir -p $(@D); rm -f $@
	$(call say,TEST)
	$(Q)$(MPICC) $(COMPILE) -DPOOLMARK_CELL_MPI $(MPI_CELL_OPENMP) -MMD -MP -MF $@.d -MT $@ $(LDFLAGS) -o $@ $< \
	    $(MPI_LIBRARY) $(MPI_CELL_LIBS)

$(builddir)/mock/%: tests/mock/%.c $(LIBRARY)
	@mkdir -p $(@D); rm -f $@
	$(call say,MOCK)
	$(Q)$(CC) $(COMPILE) -MMD -MP -MF $@.d -MT $@ $(LDFLAGS) -o $@ $< $(LIBRARY) $(DRIVER_LIBS) $(OPENMP)

$(builddir)/faults/%.o: %.c $(builddir)/compile | $(builddir)/build_info.h
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(COMPILE) -DSCHED_POINTS -MMD -MP -c -o $@ $<

$(FAULTS): $(builddir)/faults/%: tests/faults/%.c $(FAULT_OBJECTS)
	@mkdir -p $(@D); rm -f $@
	$(call say,TEST)
	$(Q)$(CC) $(COMPILE) -DSCHED_POINTS -MMD -MP -MF $@.d -MT $@ $(LDFLAGS) -o $@ $< $(FAULT_OBJECTS) -lm -pthread

# Watched by valgrind: with the library as users have it.
$(builddir)/valgrind/%: tests/valgrind/%.c $(builddir)/libprocpool.a
	@mkdir -p $(@D); rm -f $@
	$(call say,TEST)
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE $(WARNINGS) -Isrc $(CPPFLAGS) $(CFLAGS) -MMD -MP -MF $@.d -MT $@ $(LDFLAGS) -o $@ $< \
	    $(builddir)/libprocpool.a -pthread

# A plug-in sees one header of ours, as one written elsewhere would.
$(builddir)/fixtures/%.so: tests/fixtures/%.c $(builddir)/compile
	@mkdir -p $(@D); rm -f $@
	$(call say,PLUG)
	$(Q)$(CC) -std=c11 $(WARNINGS) -Isrc/work $(CPPFLAGS) $(CFLAGS) -shared -fPIC -MMD -MP -MF $@.d -MT $@ $(LDFLAGS) \
	    -o $@ $<

# --- use ------------------------------------------------------------------------------------------

bench: ## install what is absent, build, and run the articles' experiments
	@scripts/setup.sh bench
	@$(MAKE) programs notes
	./poolmark run configs/articles.ini

bench-pool: $(builddir)/bench/pool ## compare the process pool with its peers; BENCH_POOL=--quick, --markdown, --help
	$(builddir)/bench/pool $(BENCH_POOL)

$(builddir)/bench/pool: $(patsubst bench/%.c,$(builddir)/bench/%.o,$(wildcard bench/pool*.c))
$(builddir)/bench/claim: $(builddir)/bench/claim.o

$(BENCHES): $(BENCH_OBJECTS) $(builddir)/link
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(GSL_LIBS) -lm -pthread $(OPENMP)

$(builddir)/bench/pool_libgomp.o: OWN = $(OPENMP)
$(builddir)/bench/%.o: bench/%.c $(builddir)/compile | $(builddir)/build_info.h
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(COMPILE) $(OWN) -MMD -MP -c -o $@ $<

plots: programs ## draw the plots of the newest run
	@run=$$(ls -td results/*/samples.csv 2>/dev/null | head -n 1); \
	if [ -z "$$run" ]; then echo 'no run under results/ yet; make bench makes one' >&2; exit 1; fi; \
	set -x; ./poolmark plot "$${run%/samples.csv}"

# --- care -----------------------------------------------------------------------------------------

C_FILES     = $(wildcard src/*/*.[ch] tests/*/*.[ch] bench/*.[ch] docs/*.c docs/*/*.c)
SHELL_FILES = $(wildcard scripts/*.sh scripts/*/*.sh .ci/run completions/*.bash tests/*/*.bash tests/*/*.sh)

.PHONY: setup lint format
setup: ## install what is absent, or print the command that would
	@scripts/setup.sh bench

lint: ## look at layout, likely defects, scripts, who includes whom, and documentation
	@scripts/setup.sh lint
	@$(MAKE) programs
	@failed=; \
	clang-format --dry-run -Werror $(C_FILES) || failed="$$failed clang-format"; \
	cppcheck --quiet --enable=warning,performance,portability --inline-suppr --error-exitcode=1 --std=c11 \
	    --suppress=missingIncludeSystem -D_GNU_SOURCE -DHAVE_OPENMP -Isrc src || failed="$$failed cppcheck"; \
	shellcheck $(SHELL_FILES) || failed="$$failed shellcheck"; \
	scripts/check-includes.sh || failed="$$failed check-includes"; \
	scripts/check-docs.sh || failed="$$failed check-docs"; \
	if [ -n "$$failed" ]; then echo "lint: complaints from$$failed" >&2; exit 1; fi; \
	echo 'lint: no complaints'

format: ## lay out the code with clang-format
	@clang-format -i $(C_FILES)

# --- install --------------------------------------------------------------------------------------

PLOTS   = $(wildcard plots/*.gp)
CONFIGS = $(wildcard configs/*.ini)

PROCPOOL_INSTALLED = $(addprefix $(libdir)/,libprocpool.a libprocpool.so $(PROCPOOL_SONAME)) $(pkgconfigdir)/procpool.pc \
                     $(includedir)/procpool.h $(mandir)/man3/procpool.3

.PHONY: install install-programs install-library uninstall uninstall-library installcheck
install: install-programs install-library ## install under prefix (/usr/local), below DESTDIR

install-programs: programs
	$(INSTALL) -d $(addprefix $(DESTDIR),$(bindir) $(libexecdir) $(datadir)/plots $(datadir)/configs $(mandir)/man1 \
	    $(includedir)/poolmark $(completiondir) $(docdir))
	$(INSTALL) poolmark $(DESTDIR)$(bindir)
	$(INSTALL) $(filter-out poolmark,$(PROGRAMS)) $(DESTDIR)$(libexecdir)
	$(if $(PLOTS),$(INSTALL) -m 644 $(PLOTS) $(DESTDIR)$(datadir)/plots)
	$(if $(CONFIGS),$(INSTALL) -m 644 $(CONFIGS) $(DESTDIR)$(datadir)/configs)
	$(INSTALL) -m 644 man/poolmark.1 $(DESTDIR)$(mandir)/man1
	$(INSTALL) -m 644 src/work/workload.h $(DESTDIR)$(includedir)/poolmark
	$(INSTALL) -m 644 completions/poolmark.bash $(DESTDIR)$(completiondir)/poolmark
	$(INSTALL) -m 644 README.md CHANGELOG.md LICENSE $(wildcard docs/*.*) $(DESTDIR)$(docdir)

install-library: library ## install the process pool alone
	$(INSTALL) -d $(addprefix $(DESTDIR),$(libdir) $(pkgconfigdir) $(includedir) $(mandir)/man3 $(pooldocdir)/examples)
	$(INSTALL) -m 644 $(builddir)/libprocpool.a $(DESTDIR)$(libdir)
	$(INSTALL) $(builddir)/$(PROCPOOL_SONAME) $(DESTDIR)$(libdir)
	ln -sf $(PROCPOOL_SONAME) $(DESTDIR)$(libdir)/libprocpool.so
	$(INSTALL) -m 644 $(builddir)/procpool.pc $(DESTDIR)$(pkgconfigdir)
	$(INSTALL) -m 644 src/procpool/procpool.h $(DESTDIR)$(includedir)
	$(INSTALL) -m 644 man/procpool.3 $(DESTDIR)$(mandir)/man3
	$(INSTALL) -m 644 LICENSE docs/procpool.md $(DESTDIR)$(pooldocdir)
	$(INSTALL) -m 644 $(wildcard docs/examples/*.c) $(DESTDIR)$(pooldocdir)/examples

uninstall: uninstall-library ## remove what install has put there
	rm -f $(addprefix $(DESTDIR),$(bindir)/poolmark $(mandir)/man1/poolmark.1 $(completiondir)/poolmark)
	rm -rf $(addprefix $(DESTDIR),$(libexecdir) $(datadir) $(includedir)/poolmark $(docdir))

uninstall-library:
	rm -f $(addprefix $(DESTDIR),$(PROCPOOL_INSTALLED))
	rm -rf $(DESTDIR)$(pooldocdir)

# Where pkg-config and the loader find the library that was installed.
installed_env = PKG_CONFIG_PATH=$(DESTDIR)$(pkgconfigdir) LD_LIBRARY_PATH=$(DESTDIR)$(libdir) \
                $(if $(DESTDIR),PKG_CONFIG_SYSROOT_DIR=$(DESTDIR))

installcheck: ## try the installed program and library, away from the sources
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && cd "$$folder" && set -ex && \
	$(DESTDIR)$(bindir)/poolmark --version && \
	$(DESTDIR)$(bindir)/poolmark list backends && \
	$(DESTDIR)$(bindir)/poolmark run --quiet --workload null --tasks 100 --backends seq,procpool --workers 1 \
	    --launches 1 --reps 2 --out run
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && cd "$$folder" && set -e && \
	cp $(DESTDIR)$(pooldocdir)/examples/*.c . && export $(installed_env) && set -x && \
	for source in *.c; do \
	    $(CC) $$source $$($(PKG_CONFIG) --cflags --libs procpool) -o shared && ./shared && \
	    $(CC) $$source $$($(PKG_CONFIG) --static --cflags --libs procpool | \
	        sed 's/-lprocpool/-Wl,-Bstatic & -Wl,-Bdynamic/') -o static && ./static || exit; \
	done

# --- parting --------------------------------------------------------------------------------------

.PHONY: dist clean distclean help
dist: ## pack the committed sources into poolmark-VERSION.tar.gz
	git archive --prefix=poolmark-$(VERSION)/ -o poolmark-$(VERSION).tar.gz HEAD

clean: ## remove what was built
	rm -rf build poolmark poolmark-cell poolmark-cell-llvm poolmark-cell-mpi

distclean: clean ## also remove packed sources; results/ stays
	rm -f poolmark-*.tar.gz

help: ## print this list
	@echo 'make TARGET [CC= CFLAGS= CLANG= MPICC= prefix= DESTDIR= WERROR=1 V=1]'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' Makefile
