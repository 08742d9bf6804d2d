"""
Every guard of the core, and what it looks like when it is switched off.

A mutant is a copy of the package with one piece of source replaced; it must make a seed of the simulator end wrong, or
a test that says what the guard is for fail, so no guard is decoration.  `python -m tests.simulation.mutation NAME`
looks for a seed; docs/mutants.md is made of this list.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """One guard switched off."""

    name: str
    #: Number of the invariant it keeps.
    invariant: int
    file: str
    source: str
    replacement: str
    #: Seed of the simulator that kills it.
    seed: int | None = None
    #: Test that kills it, where what the guard keeps is not convergence but work, waiting, or one step on the way.
    test: str = ""


MUTANTS = (
    Mutant("duplicates are folded again", 1, "syncsvc/assembly/joiner.py", "if mark <= known:", "if False:",
           seed=0),
    Mutant("high-water marks are forgotten", 1, "syncsvc/assembly/joiner.py",
           "self._state.put(HIGH_WATER + U16.pack(sender), high_water[sender])", "pass",
           test="tests/assembly/test_joiner.py::test_a_record_delivered_again_to_the_next_owner_changes_nothing"),
    Mutant("a moved row stays at its old address", 2, "syncsvc/routing/router.py",
           "if old is not None and old != new:", "if old is not None and new is None:"),
    Mutant("the router forgets where rows were", 2, "syncsvc/routing/router.py",
           "known = self._addresses(change.before) if remembered is None else remembered.addresses",
           "known = self._addresses(change.before)"),
    Mutant("a row that no longer matches stays", 2, "syncsvc/routing/lane.py",
           "if self._where is not None and self._where(row) is not True:", "if False:"),
    Mutant("what is not false is true", 2, "syncsvc/routing/lane.py",
           "if self._where is not None and self._where(row) is not True:",
           "if self._where is not None and self._where(row) is False:"),
    Mutant("a relation that does not apply refers to its row", 2, "syncsvc/routing/slot.py",
           "return lambda row: key(row) if holds(row) is True else None", "return key"),
    Mutant("a relation with a condition hangs on the shared key", 2, "syncsvc/routing/plan.py",
           "if embed.parent_columns != key or embed.when is not None:", "if embed.parent_columns != key:"),
    Mutant("older changes are routed", 3, "syncsvc/routing/router.py",
           "if remembered is not None and stamp.older(stamped, remembered.stamp):", "if False:"),
    Mutant("the router forgets deleted rows", 3, "syncsvc/routing/router.py",
           "remember = memory.encode(stamped,",
           "remember = memory.encode(stamped if change.after else stamp.UNKNOWN,"),
    Mutant("zombies are not fenced", 4, "tests/simulation/world.py",
           "if self.fenced and (fence.epoch, fence.seq) != (epoch, seq):", "if False:"),
    Mutant("offsets are committed before emissions are sent", 4, "tests/simulation/stages.py",
           "        yield from world.append(stage.outbox.take())\n        if (world.rng",
           "        held = stage.outbox.take()\n        if (world.rng"),
    Mutant("deliveries of an old subscription are taken", 8, "syncsvc/assembly/joiner.py",
           "if head is None or layout.COPY_HEAD.unpack(head)[0] != delivery.subscription:", "if head is None:",
           test="tests/assembly/test_joiner.py::test_a_delivery_of_an_old_subscription_is_ignored"),
    Mutant("a copy without references is kept", 8, "syncsvc/assembly/references.py",
           "                self._drop_copy(relay)\n                self._state.delete(LOCAL + relay)",
           "                pass",
           test="tests/assembly/test_joiner.py::test_a_partition_that_lets_go_of_a_relay_forgets_its_copy"),
    Mutant("the last reference does not end the subscription", 8, "syncsvc/assembly/references.py",
           "            if refers == referred:", "            if refers == referred or not refers:",
           test="tests/assembly/test_joiner.py::"
           "test_the_first_reference_subscribes_and_the_last_one_gone_unsubscribes"),
    Mutant("a remembered copy outlives its change", 11, "syncsvc/assembly/joiner.py",
           "        self.renderer.forget(relay)\n", ""),
    Mutant("a relay answers nobody while it has no rows", 8, "syncsvc/assembly/relay.py",
           "if rows or not silent_when_empty:", "if rows:",
           test="tests/assembly/test_joiner.py::test_a_relay_without_rows_answers_at_once_so_that_nobody_waits_for_it"),
    Mutant("a relay delivers to the first subscriber only", 8, "syncsvc/assembly/relay.py",
           "for key, value in self._state.scan(prefix):\n            payload", "for key, value in self._state.scan("
           "prefix)[:1]:\n            payload"),
    Mutant("a changed relay leaves its holders alone", 11, "syncsvc/assembly/joiner.py",
           "            self.agenda.touch_holders(relay, source_ms)", "            pass"),
    Mutant("a limit cuts before the list is sorted", 11, "syncsvc/assembly/render.py",
           "        if form.ordered:\n", "        if form.limit is not None:\n            rows = rows[: form.limit]\n"
           "        if form.ordered:\n"),
    Mutant("a limit is none", 11, "syncsvc/assembly/render.py", "islice(found.items(), form.limit)", "found"),
    Mutant("what is behind a limit is not counted", 11, "syncsvc/assembly/render.py",
           "return len(found)", "return len(values)"),
    Mutant("lists keep the order of their keys", 11, "syncsvc/assembly/render.py",
           "        if form.ordered:\n", "        if False:\n"),
    Mutant("an element without its required row is shown", 11, "syncsvc/assembly/render.py",
           "return not form.required", "return True"),
    Mutant("a document without its required row is written", 11, "syncsvc/assembly/render.py",
           'b"".join(chunks) if shown else None', 'b"".join(chunks)'),
    Mutant("of rows with one key the last is shown", 11, "syncsvc/assembly/render.py",
           "if key is None or key in found:", "if key is None:"),
    Mutant("a row without a key is shown", 11, "syncsvc/routing/labels.py",
           'return b"\\xff\\xff"', 'return b"\\x00\\x00"'),
    Mutant("a merged relation without a row is one null", 11, "syncsvc/assembly/forms.py",
           "    elif not branch.merge:", "    elif True:"),
    Mutant("a merged relation stands in an object", 11, "syncsvc/assembly/render.py",
           "        if form.merge:\n            chunks.append(content)\n        elif", "        if"),
    Mutant("the first case of a switch is shown", 11, "syncsvc/assembly/render.py",
           "(case for case in form.cases if row[0][case.reference or 0] is not None)", "iter(form.cases)"),
    Mutant("elements are shown whole", 11, "syncsvc/assembly/render.py",
           "    if form.value is None:\n        return DOCUMENT", "    if True:\n        return DOCUMENT"),
    Mutant("a row that changed only in what is not shown is not kept", 11, "syncsvc/routing/slot.py",
           "one[BODY:] == other[BODY:]", "one[-8:] == other[-8:]"),
    Mutant("an emptied table keeps its rows", 3, "syncsvc/assembly/joiner.py",
           "for address, role, identity in self._floors.sweep(table, stamped, cursor):",
           "for address, role, identity in self._floors.sweep(table, stamped, cursor)[:0]:"),
    Mutant("floors are forgotten", 8, "syncsvc/assembly/floors.py", "self._state.put(FLOOR + name, stamped)", "pass"),
    Mutant("a table is emptied up to any event", 3, "syncsvc/assembly/floors.py",
           "if floor is None or not earlier(stamped, floor):", "if True:"),
    Mutant("a table that is read again is not swept", 3, "syncsvc/routing/router.py",
           "            self._state.put(SWEEP, stamped)", "            pass"),
    Mutant("the first snapshot alone tells whether another one sweeps", 3, "syncsvc/routing/router.py",
           "if self._first is None or self._first[stamp.TIME_BYTES :]",
           "if self._first is not None and self._first[stamp.TIME_BYTES :]"),
    Mutant("a sweep ends with its first record", 3, "syncsvc/assembly/floors.py",
           "if len(rows) == SWEEP_ROWS:", "if False:"),
    Mutant("rows older than the emptying of their table are taken", 8, "syncsvc/assembly/floors.py",
           "return floor is not None and earlier(stamp_of(slot), floor)", "return False"),
    Mutant("what went with its parent is shown with the next one of that key", 8, "syncsvc/assembly/render.py",
           "        if form.cascade:  #", "        if False:  #"),
    Mutant("what went with a row it refers to is shown", 8, "syncsvc/assembly/render.py",
           "if form.cascade and not form.many and self._went(form, row, slots):", "if False:"),
    Mutant("what refers to a former life of a row is shown with the present one", 8, "syncsvc/assembly/render.py",
           "return not slots or earlier(row[3], self._parts(form.role, slots[0])[4])", "return not slots"),
    Mutant("a row that went unlogged and came back is the same row", 8, "syncsvc/routing/router.py",
           "return stamped if remembered.live else remembered.stamp", "return remembered.stamp"),
    Mutant("nobody knows when a former life of a row ended", 8, "syncsvc/routing/router.py",
           "            return remembered.ended\n", "            return stamp.UNKNOWN\n"),
    Mutant("a row written again as it was is not told", 8, "syncsvc/assembly/joiner.py",
           "old is not None and role not in self._stamped and same_row(old, slot)",
           "old is not None and same_row(old, slot)"),
    Mutant("a deleted document stays", 3, "syncsvc/assembly/joiner.py",
           "gone = parse(old, self._roots[role]).order", "pass"),
    Mutant("references are not counted", 8, "syncsvc/assembly/references.py",
           "count = step if held is None else U32.unpack(held)[0] + step", "count = step"),
    Mutant("what holds a changed copy is not told further", 11, "syncsvc/assembly/due.py",
           "                    self.touch_holders(holder[1:], stamp)", "                    pass"),
    Mutant("a walk under way does not go round again", 11, "syncsvc/assembly/due.py",
           "            elif again:", "            elif False:"),
    Mutant("the first part of an answer is all of it", 3, "syncsvc/assembly/relay.py", "number == last", "True"),
    Mutant("what does not fit into a step is forgotten", 11, "syncsvc/assembly/due.py",
           "                self._wait(address, stamp, identity, now_ms)\n", ""),
    Mutant("the first copy does not know where it was", 11, "syncsvc/assembly/due.py",
           "            self._state.put(CURSOR, self._cursor)", "            pass"),
    Mutant("a sweep does not wait for what was read", 3, "tests/simulation/stages.py",
           "    if all(name in world.fences", "    if True or all(name in world.fences"),
    Mutant("the first copy ends with the first mark", 11, "syncsvc/assembly/rounds.py",
           "if level in self._complete or not self._full(level):", "if level in self._complete:",
           test="tests/assembly/test_due.py::test_the_rounds_of_end_marks_need_every_sender"),
    Mutant("the first copy ends after one round", 11, "syncsvc/routing/plan.py",
           "return 1 + 2 * self.depth", "return 1",
           test="tests/assembly/test_due.py::test_the_first_copy_waits_for_the_answers_it_has_asked_for"),
    Mutant("a walk over holders is not remembered", 11, "syncsvc/assembly/due.py",
           "bool(cursor)) + cursor)\n        self._walks[relay] = None", "bool(cursor)) + cursor)",
           test="tests/assembly/test_due.py::test_a_change_of_a_hot_row_is_walked_a_bounded_number_of_documents_a_step"),
    Mutant("a document that waits is forgotten by a crash", 11, "syncsvc/assembly/due.py",
           "        self._state.put(PENDING + address, _STAMP.pack(stamp) + identity)", "        pass",
           test="tests/assembly/test_joiner.py::test_a_waiting_document_is_not_forgotten_by_a_crash"),
    Mutant("emissions are numbered by batch, not by record", 10, "syncsvc/routing/records.py",
           "self._place, self._stamp, self._index = offset + 1, source_ms, 0",
           "self._place, self._stamp = offset + 1, source_ms",
           test="tests/routing/test_router.py::test_what_is_sent_does_not_depend_on_where_batches_end"),
    Mutant("the tombstone of a stale delete is a delete", 3, "syncsvc/routing/router.py",
           "if self._state.get(DROPPED) == identity:", "if False:",
           test="tests/routing/test_router.py::"
           "test_the_tombstone_of_a_redelivered_delete_does_not_take_the_new_row_away"),
    Mutant("documents do not wait for answers", 3, "syncsvc/assembly/due.py",
           "if not rendered.complete and address not in self._pending:", "if False:",
           test="tests/assembly/test_joiner.py::test_a_new_document_waits_for_the_answer_it_has_asked_for"),
    Mutant("a parked document is written with its next change", 3, "syncsvc/assembly/due.py",
           "            if rendered.problem or (code", "            if False and (code",
           test="tests/assembly/test_parking.py::"
           "test_a_document_that_becomes_too_large_parks_and_stays_as_it_was_last_written"),
)  # fmt: skip
