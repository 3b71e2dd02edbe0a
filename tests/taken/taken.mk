# SPDX-License-Identifier: Apache-2.0
#
# Helpers that were taken over: linked from the object files that the installed programs are made of.

.PHONY: taken taken-build

TAKEN_BIN := $(addprefix $(BUILD)/taken/,vmm fsd monitor)
taken_obj = $(addprefix $(BUILD)/obj/tests/taken/,$(1).o taken.o taken_tricks.o)

$(BUILD)/obj/tests/taken/%.o: MUSL_CFLAGS += -I.

$(BUILD)/taken/vmm: $(call taken_obj,vmm) $(filter-out %/main.o,$(call obj,$(VMM_SRC)))
	@mkdir -p $(@D)
	$(link_static)

$(BUILD)/taken/fsd: $(call taken_obj,fsd) $(filter-out %/main.o,$(call obj,$(FSD_SRC)))
	@mkdir -p $(@D)
	$(link_static)

$(BUILD)/taken/monitor: $(call taken_obj,monitor) $(filter-out %/main.o,$(call obj,$(MONITOR_SRC)))
	@mkdir -p $(@D)
	$(link_static)

taken-build: $(TAKEN_BIN)

## make taken        what helpers that were taken over can still do: nothing (10 s, root)
taken: $(TAKEN_BIN)
	@status=0; for t in $(TAKEN_BIN); do $$t || status=1; done; echo "end of suite"; exit $$status
